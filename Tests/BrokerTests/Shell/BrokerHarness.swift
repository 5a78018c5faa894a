import Broker
import Foundation
import Logging
import Wire
import ZeroMQ

/// A broker on real sockets, with its peers on the same loop and thread.
final class BrokerHarness {
    let loop = EventLoop()
    let context = Context()
    /// For socket files; gone with the harness.
    let folder: String
    private(set) var brokers: [Broker] = []
    private var peers: [Peer] = []

    init() throws {
        folder = NSTemporaryDirectory() + "broker-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        for peer in peers { peer.close() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func endpoints(_ name: String) -> (clients: String, workers: String) {
        ("ipc://\(folder)/\(name)-clients", "ipc://\(folder)/\(name)-workers")
    }

    @discardableResult
    func start(
        _ name: String = "broker", on loop: EventLoop? = nil,
        _ change: (inout BrokerConfiguration) -> Void = { _ in }
    ) throws -> Broker {
        var configuration = BrokerConfiguration(name: name)
        configuration.maximumCalls = 256
        change(&configuration)
        let (clients, workers) = endpoints(name)
        let broker = try Broker(
            configuration: configuration, clients: [clients], workers: [workers], context: context,
            loop: loop ?? self.loop, logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
        broker.start()
        brokers.append(broker)
        return broker
    }

    func client(of broker: Broker? = nil) throws -> Peer {
        try peer((broker ?? brokers[0]).clientEndpoints[0])
    }
    func worker(of broker: Broker? = nil) throws -> Peer {
        try peer((broker ?? brokers[0]).workerEndpoints[0])
    }

    private func peer(_ endpoint: String) throws -> Peer {
        let peer = try Peer(endpoint, context, loop)
        peers.append(peer)
        return peer
    }
}
