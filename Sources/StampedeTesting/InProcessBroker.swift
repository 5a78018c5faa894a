import Broker
import Glibc
import Logging
import ZeroMQ

/// A real broker on a thread of its own, on sockets in a folder that goes away with it.
public final class InProcessBroker: Sendable {
    /// Where clients connect.
    public let clients: String
    /// Where services connect.
    public let workers: String
    private let folder: Folder
    private let bell: Doorbell
    private let end: End

    /// Starts a broker.
    ///
    /// - Throws: `ZeroMQError` when there is no room for its sockets.
    public static func start(name: String = "broker") async throws -> InProcessBroker {
        try await start(name: name, in: Folder())
    }

    private static func start(name: String, in folder: Folder) async throws -> InProcessBroker {
        let bell = Doorbell()
        let end = End()
        let clients = "ipc://\(folder.path)/\(name)-clients"
        let workers = "ipc://\(folder.path)/\(name)-workers"
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            LoopThread.start {
                InProcessBroker.run(name, clients, workers, bell, started)
                end.reach()
            }
        }
        return InProcessBroker(clients, workers, folder, bell, end)
    }

    private init(_ clients: String, _ workers: String, _ folder: Folder, _ bell: Doorbell, _ end: End) {
        self.clients = clients
        self.workers = workers
        self.folder = folder
        self.bell = bell
        self.end = end
    }

    /// The thread's work. All that belongs to the loop is made and ends here.
    private static func run(
        _ name: String, _ clients: String, _ workers: String, _ bell: Doorbell,
        _ started: CheckedContinuation<Void, any Error>
    ) {
        let loop = EventLoop()
        let broker: Broker
        do {
            broker = try Broker(
                configuration: BrokerConfiguration(name: name), clients: [clients], workers: [workers],
                context: Context(), loop: loop, logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
        } catch {
            return started.resume(throwing: error)
        }
        broker.start()
        let source = loop.watch(descriptor: bell.descriptor, for: .readable) { _ in loop.stop() }
        started.resume()
        loop.run()
        loop.remove(source)
        withExtendedLifetime(broker) {}
    }

    /// Ends the broker at once, as if it were killed, and awaits its end.
    public func stop() async {
        bell.ring()
        await end.wait()
    }

    /// Ends the broker and starts another in its place, which knows nothing of its sessions.
    public func restarted() async throws -> InProcessBroker {
        await stop()
        let name = clients.split(separator: "/").last.map { String($0.dropLast("-clients".utf8.count)) }
        return try await InProcessBroker.start(name: name ?? "broker", in: folder)
    }
}
