import Foundation
import Logging
import Methods
import Testing
import Wire
import ZeroMQ

@testable import Broker

/// A broker with keys, beside a Unix socket, and everybody who has a key.
final class SecuredScene {
    let loop = EventLoop()
    let context = Context()
    let path: String
    private let folder: String
    private let server: CurveKeyPair
    private(set) var pairs: [String: CurveKeyPair] = [:]
    let doorkeeper: Doorkeeper
    let broker: Broker
    private var peers: [Peer] = []
    private var lastID: UInt64 = 1_000

    private static let roles = [
        "shop": "service", "ops": "operator", "worker-1": "worker", "worker-2": "worker", "nobody": "service",
    ]

    init(isTested: Bool = true) throws {
        folder = NSTemporaryDirectory() + "secured-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = folder + "/allow.list"
        server = try CurveKeyPair()
        for name in Self.roles.keys { pairs[name] = try CurveKeyPair() }
        try Self.write(Self.lines(Self.roles.keys.filter { $0 != "nobody" }, pairs), to: path)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        doorkeeper = try Doorkeeper(
            key: server, allowList: path, context: context, loop: loop, logger: logger)
        var configuration = BrokerConfiguration(name: "broker")
        configuration.maximumCalls = 256
        broker = try Broker(
            configuration: configuration, clients: ["ipc://\(folder)/c", "tcp://127.0.0.1:*"],
            workers: ["ipc://\(folder)/w", "tcp://127.0.0.1:*"], context: context, loop: loop, logger: logger,
            doorkeeper: doorkeeper)
        guard isTested else { return }
        try broker.selfTest()
        broker.start()
    }

    deinit {
        for peer in peers { peer.close() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func anotherDoorkeeper() throws -> Doorkeeper {
        try Doorkeeper(
            key: server, allowList: path, context: context, loop: loop, logger: Logger(label: "x"))
    }

    // MARK: The list

    private static func lines(_ names: [String], _ pairs: [String: CurveKeyPair]) -> String {
        names.map { "\(roles[$0]!) \($0) \(pairs[$0]!.publicKey)\n" }.joined()
    }

    private static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    func write(_ text: String) throws { try Self.write(text, to: path) }
    func list(_ names: [String]) throws { try write(Self.lines(names, pairs)) }

    // MARK: Peers

    func peer(_ endpoint: String, _ name: String?) throws -> Peer {
        let security = name.map { SocketSecurity.curveClient(server: server.publicKey, own: pairs[$0]!) }
        let peer = try Peer(endpoint, context, loop, security ?? .none)
        peers.append(peer)
        return peer
    }

    func client(_ name: String) throws -> Peer { try peer(broker.clientEndpoints[1], name) }
    func worker(_ name: String) throws -> Peer { try peer(broker.workerEndpoints[1], name) }

    func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Calls a method, and returns what comes back.
    func ask(_ peer: Peer, _ method: MethodID) -> Peer.Received? {
        let id = nextID()
        var header = Peer.call(id)
        header.method = method
        if [SystemMethods.brokerStatus.id].contains(method) { header.flags = .end }
        peer.send(header)
        return peer.wait(for: .result, callID: id)
    }

    /// Whether the handshake succeeds: half a second is long on one machine, and a busy one only makes it longer
    /// for whom it does.
    func isLetIn(_ peer: Peer) -> Bool { peer.isConnected(within: .milliseconds(700)) }
}
