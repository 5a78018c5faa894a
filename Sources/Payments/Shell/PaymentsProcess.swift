public import Client
import Glibc
import HTTP
import HTTPServer
public import Logging
public import Service
public import Wire

/// The process that talks to the payment provider: serves `order.pay` to brokers, hears webhooks, and sees to what the ledger
/// has open, from its start on.
public struct PaymentsProcess: Sendable {
    public struct Configuration: Sendable {
        /// Unique among the workers and services of a cluster.
        public var name: String
        /// The brokers' endpoints for clients, to call the owners through …
        public var clients: [String]
        /// … and for workers, to be called at.
        public var workers: [String]
        public var client = ClientConfiguration()
        public var host = HostConfiguration()
        /// Of the provider, such as `https://payments.example`.
        public var url: String
        public var key: String
        /// Of one request to the provider.
        public var timeout = TimeAmount.seconds(10)
        /// What webhooks are signed with.
        public var secret: [UInt8]
        /// Where webhooks come in; IPv4.
        public var address = "127.0.0.1"
        /// 0 for any that is free.
        public var port: UInt16 = 0
        /// Between two looks at what the ledger has open.
        public var sweep = TimeAmount.seconds(5)
        public var desk = PaymentDesk.Configuration()

        public init(
            name: String, clients: [String], workers: [String], url: String, key: String, secret: [UInt8]
        ) {
            self.name = name
            self.clients = clients
            self.workers = workers
            self.url = url
            self.key = key
            self.secret = secret
        }
    }

    /// Requests to the provider at a time, each on a thread of its own, and how many may wait for one.
    static let connections = 64
    static let queue = 4_096

    private let configuration: Configuration
    private let logger: Logger

    public init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Serves until the task is cancelled, then stops in good order. What is in hand then is in the ledger, too.
    ///
    /// - Throws: `HTTPServerError`, `ConfigurationError` or `CallError` for what it was configured with.
    public func run() async throws {
        let http = HTTPClient(connections: PaymentsProcess.connections, queue: PaymentsProcess.queue)
        defer { http.close() }
        let provider = GuardedProvider(
            HTTPProvider(
                url: configuration.url, key: configuration.key, client: http, timeout: configuration.timeout),
            timeout: configuration.timeout, logger: logger)
        let client = try StampedeClient(brokers: configuration.clients, configuration: configuration.client)
        let desk = PaymentDesk(
            owners: CalledOwners(client: client), provider: provider, configuration: configuration.desk,
            logger: logger)
        let result: Result<Void, any Error>
        do {
            result = .success(try await serve(desk))
        } catch {
            result = .failure(error)
        }
        await desk.close()
        await client.close()
        try result.get()
    }

    private func serve(_ desk: PaymentDesk) async throws {
        let host = try ServiceHost(
            name: configuration.name, services: [.payments(desk)], brokers: configuration.workers,
            configuration: configuration.host, logger: logger)
        let door = WebhookDoor(secret: configuration.secret, desk: desk)
        let server = try HTTPServer(address: configuration.address, port: configuration.port) {
            door.answer(
                $0.method, $0.path, headers: $0.headers, body: $0.body, now: Int64(time(nil)))
        }
        logger.info(
            "Listening for webhooks",
            metadata: ["address": "\(configuration.address):\(server.port)", "path": "\(WebhookDoor.path)"])
        await withDiscardingTaskGroup { group in
            group.addTask { await host.run() }
            group.addTask {
                while !Task.isCancelled {
                    let open = await desk.sweep()
                    if open > 0 { logger.debug("Payments are open", metadata: ["count": "\(open)"]) }
                    try? await Task.sleep(for: .nanoseconds(configuration.sweep.nanoseconds))
                }
            }
        }
        await server.stop()
    }
}
