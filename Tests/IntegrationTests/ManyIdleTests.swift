import Foundation
import Methods
import Testing
import Wire
import ZeroMQ

/// A thousand clients and a hundred thousand streams that say nothing cost memory, but little and bounded.
@Suite struct ManyIdleTests {
    private static let clients = 1_000
    private static let streamsPerClient = 100

    @Test func `a thousand clients and a hundred thousand idle streams cost bounded memory`() throws {
        let folder = "/tmp/stampede-idle-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let broker = Process()
        broker.executableURL = URL(filePath: Program.path)
        broker.arguments = [
            "broker", "--name", "b", "--clients", "ipc://\(folder)/c", "--workers", "ipc://\(folder)/w",
        ]
        broker.standardError = FileHandle.nullDevice
        broker.standardOutput = FileHandle.nullDevice
        try broker.run()
        defer {
            broker.terminate()
            broker.waitUntilExit()
        }
        let crowd = try IdleCrowd(endpoint: "ipc://\(folder)/c")
        try crowd.waitForBroker()
        try crowd.connect(1)
        let atStart = try memory(of: broker.processIdentifier)
        try crowd.connect(Self.clients)
        let connected = try memory(of: broker.processIdentifier)
        try crowd.watch(streams: Self.streamsPerClient)
        let streaming = try memory(of: broker.processIdentifier)

        let perClient = (connected - atStart) / Self.clients
        let perStream = (streaming - connected) / (Self.clients * Self.streamsPerClient)
        print("a client costs \(perClient) bytes, an idle stream \(perStream) bytes")
        #expect(perClient < 256 << 10)
        #expect(perStream < 2 << 10)
        // And the broker still answers at once.
        #expect(crowd.isAnswered(by: 0))
        crowd.end()
    }

    /// Resident memory in bytes, as proc(5) tells.
    private func memory(of process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.split(separator: " ").dropFirst().first ?? "")) << 10
    }
}

/// Sockets on one loop, each a client of its own.
private final class IdleCrowd {
    private final class Client {
        let socket: Socket
        var pongs = 0
        var items = 0
        init(_ socket: consuming Socket) { self.socket = socket }

        func read() {
            var message = Message()
            while socket.receive(into: &message) {
                guard let header = message.withBytes({ try? Header(decoding: $0) }) else { continue }
                switch header.kind {
                case .pong: pongs += 1
                case .data: items += 1
                case .ping:
                    var pong = Header(.pong)
                    pong.callID = header.callID
                    var answer = Message(copying: Frame.encode(pong))
                    _ = socket.send(&answer)
                default: break
                }
            }
        }
    }

    struct TooSlow: Error {}

    private let context = Context()
    private let endpoint: String
    private var clients: [Client] = []

    init(endpoint: String) throws { self.endpoint = endpoint }

    /// Reads what has come, until it is enough.
    private func await(_ enough: () -> Bool) throws {
        let end = MonotonicTime.now() + .seconds(60)
        while !enough() {
            guard MonotonicTime.now() < end else { throw TooSlow() }
            for client in clients { client.read() }
            usleep(1_000)
        }
    }

    /// A socket that found nobody does not try again, so each try is a new one.
    func waitForBroker() throws {
        let end = MonotonicTime.now() + .seconds(60)
        while MonotonicTime.now() < end {
            let socket = try Socket(.dealer, in: context)
            try socket.connect(endpoint)
            for _ in 0..<100 {
                if socket.isWritable { return }
                usleep(1_000)
            }
        }
        throw TooSlow()
    }

    func connect(_ count: Int) throws {
        while clients.count < count {
            let socket = try Socket(.dealer, in: context)
            try socket.connect(endpoint)
            let client = Client(socket)
            clients.append(client)
            var ping = Header(.ping)
            ping.callID = 1
            try self.await {
                var message = Message(copying: Frame.encode(ping))
                return client.socket.send(&message) == .sent
            }
        }
        try self.await { clients.allSatisfy { $0.pongs > 0 } }
    }

    func watch(streams: Int) throws {
        for number in 1...streams {
            for client in clients {
                var call = Header(.call)
                call.flags = [.end, .stream]
                call.callID = UInt64(number)
                call.method = HealthMethods.watch.id
                var message = Message(copying: Frame.encode(call, body: HealthCheck(service: "order")))
                _ = client.socket.send(&message)
            }
            try self.await { clients.allSatisfy { $0.items >= number } }
        }
    }

    func isAnswered(by client: Int) -> Bool {
        let before = clients[client].pongs
        var ping = Header(.ping)
        ping.callID = 2
        var message = Message(copying: Frame.encode(ping))
        guard clients[client].socket.send(&message) == .sent else { return false }
        return (try? self.await { clients[client].pongs > before }) != nil
    }

    func end() { clients = [] }
}
