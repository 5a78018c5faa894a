import ArgumentParser
import Client
import Cluster
import HTTPServer
import Logging
import Payments
import Service
import Wire

struct PaymentsRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Pay for orders through a provider until SIGTERM.",
        discussion: """
            Serves order.pay, hears the provider's webhooks at /webhooks/provider, and finishes what the ledger has \
            open: after a crash by asking the provider, never by charging again. Run two for availability. A second \
            signal ends it at once.
            """)

    @Option(help: "Unique among the workers and services; shown in status and logs.")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "A broker's endpoint for clients; repeat for each. (default: those of the local cluster)",
            valueName: "endpoint"))
    var clients: [String] = []

    @Option(
        help: ArgumentHelp(
            "A broker's endpoint for workers; repeat for each. (default: those of the local cluster)",
            valueName: "endpoint"))
    var workers: [String] = []

    @Option(
        help: ArgumentHelp(
            "The folder of a local cluster, used when no broker is named. (default: /var/tmp/stampede-UID)",
            valueName: "folder"))
    var data: String?

    @OptionGroup var provider: ProviderOptions

    @Option(
        help: ArgumentHelp(
            "A file with the secret that webhooks are signed with, for its owner alone (mode 0600).",
            valueName: "file"))
    var webhookSecretFile: String?

    @Option(
        help: ArgumentHelp(
            "Where webhooks come in; put a proxy that does TLS before it. (default: 127.0.0.1)",
            valueName: "address"))
    var webhookAddress: String?

    @Option(help: ArgumentHelp("Its port, 0 for any that is free. (default: 7180)", valueName: "port"))
    var webhookPort: Int?

    @Option(
        help: ArgumentHelp(
            "How long a charge may stay unknown or pending at the provider before it is cancelled; longer than "
                + "--provider-timeout. (default: 30000)", valueName: "ms"))
    var patience: Int?

    @Option(
        help: ArgumentHelp(
            "Time between two looks at what the ledger has open. (default: 5000)", valueName: "ms"))
    var sweep: Int?

    @OptionGroup var keys: KeyOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let configuration = try configuration(settings)
        let logger = try log.logger(configuration.name, settings)
        let process = PaymentsProcess(configuration: configuration, logger: logger)
        let interrupts = Interrupts()
        try Waiting.run {
            do {
                try await interrupts.cancelling { try await process.run() }
            } catch let error as HTTPServerError {
                throw Failure(
                    .refused,
                    "webhooks cannot be heard at \(configuration.address):\(configuration.port): \(error)")
            } catch let error as ConfigurationError {
                throw Failure(.usage, error.message)
            } catch let error as CallError {
                throw Failure(.usage, error.message)
            }
        }
        logger.info("Stopped")
    }

    private func configuration(_ settings: Settings) throws(Failure) -> PaymentsProcess.Configuration {
        var clients = try settings.strings(clients, "clients")
        var workers = try settings.strings(workers, "workers")
        guard clients.isEmpty == workers.isEmpty else {
            throw Failure(.usage, "--clients and --workers name the same brokers: give both or neither")
        }
        let provider = try provider.load(settings)
        let secretFile = try settings.required(
            try settings.string(webhookSecretFile, "webhook-secret-file"), "webhook-secret-file")
        let secret = try SecretText.load(secretFile, what: "webhooks' secret")
        let port = try settings.integer(webhookPort, "webhook-port", in: 0...65_535, default: 7_180)
        let patience = try settings.integer(patience, "patience", in: 200...600_000, default: 30_000)
        let sweep = try settings.integer(sweep, "sweep", in: 100...600_000, default: 5_000)
        guard Int64(patience) > provider.timeout.milliseconds else {
            throw Failure(
                .usage,
                "--patience is \(patience) and --provider-timeout \(provider.timeout.milliseconds): make it longer, or "
                    + "charges on their way would be cancelled")
        }
        let name = try settings.string(name, "name") ?? "payments"
        if clients.isEmpty {
            let cluster = try ClusterOptions.localCluster(data, settings)
            clients = cluster.brokers.map(\.clients)
            workers = cluster.brokers.map(\.workers)
        }
        var configuration = PaymentsProcess.Configuration(
            name: name, clients: clients, workers: workers, url: provider.url, key: provider.key,
            secret: Array(secret.utf8))
        configuration.client.keys = try keys.load(settings, for: clients)
        configuration.host.keys = try keys.load(settings, for: workers)
        configuration.timeout = provider.timeout
        configuration.address = try settings.string(webhookAddress, "webhook-address") ?? "127.0.0.1"
        configuration.port = UInt16(port)
        configuration.sweep = .milliseconds(Int64(sweep))
        configuration.desk.patience = .milliseconds(Int64(patience))
        return configuration
    }
}
