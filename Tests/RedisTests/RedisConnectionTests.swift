import Glibc
import Redis
import RedisTestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `Redis connection` {
    private let loop = EventLoop()
    private let patience = TimeAmount.seconds(20)

    /// What a connection said, in order.
    private final class Diary {
        var ready: [ServerInfo] = []
        var lost: [RedisError] = []
        var replies: [Result<RedisReply, RedisError>] = []

        func note(_ event: RedisConnection.Event) {
            switch event {
            case .ready(let info): ready.append(info)
            case .lost(let error): lost.append(error)
            }
        }
    }

    private func connect(to address: RedisAddress, limit: Int = 100, _ diary: Diary) -> RedisConnection {
        RedisConnection(
            to: address, limit: limit, loop: loop, random: { UInt64.random(in: 0...UInt64.max) },
            onEvent: { diary.note($0) })
    }

    @Test(arguments: [RedisServer.Transport.unixSocket, .tcp])
    func `commands are answered in order, with every kind of reply`(transport: RedisServer.Transport) throws {
        let server = try RedisServer(transport)
        let diary = Diary()
        let connection = connect(to: server.address, diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
        #expect(diary.ready.first?.isMaster == true)
        #expect(diary.ready.first?.maxmemoryPolicy == "noeviction")
        #expect(diary.ready.first?.runID.count == 40)
        let zeros: [UInt8] = [0, 13, 10, 255]
        for command: [RedisArgument] in [
            ["SET", "key", .bytes(zeros)], ["GET", "key"], ["GET", "nothing"], ["INCRBY", "count", 41],
            ["NONSENSE"], ["MGET", "key", "nothing"],
        ] {
            try connection.command(command) { diary.replies.append($0) }
        }
        #expect(connection.inFlight == 6)
        #expect(loop.run(atMost: patience) { diary.replies.count == 6 })
        let replies = try diary.replies.map { try $0.get() }
        #expect(replies[0] == .status("OK"))
        #expect(replies[1] == .bytes(zeros))
        #expect(replies[2] == .null)
        #expect(replies[3] == .integer(41))
        guard case .error(let text) = replies[4] else { return #expect(Bool(false), "\(replies[4])") }
        #expect(text.hasPrefix("ERR unknown command"))
        #expect(replies[5] == .array([.bytes(zeros), .null]))
        #expect(connection.inFlight == 0)
        #expect(connection.waitingSince == nil)
    }

    @Test func `a host name is looked up`() throws {
        let server = try RedisServer(.tcp)
        let port = server.address.description.split(separator: ":")[1]
        let diary = Diary()
        let connection = connect(to: try RedisAddress("localhost:\(port)"), diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
    }

    @Test func `a command over the bound is refused, and the others are answered`() throws {
        let server = try RedisServer()
        let diary = Diary()
        let connection = connect(to: server.address, limit: 2, diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
        server.pause()
        for _ in 0..<2 { try connection.command(["PING"]) { diary.replies.append($0) } }
        #expect(throws: RedisError.self) { try connection.command(["PING"]) { diary.replies.append($0) } }
        #expect(connection.waitingSince != nil)
        server.resume()
        #expect(loop.run(atMost: patience) { connection.inFlight == 0 })
        #expect(diary.replies == [.success(.status("PONG")), .success(.status("PONG"))])
    }

    @Test(arguments: [RedisServer.Transport.unixSocket, .tcp])
    func `when the server is killed every waiting command fails, and a restart is found`(
        transport: RedisServer.Transport
    ) throws {
        let server = try RedisServer(transport)
        let diary = Diary()
        let connection = connect(to: server.address, diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
        server.pause()
        for _ in 0..<10 { try connection.command(["PING"]) { diary.replies.append($0) } }
        loop.run(atMost: .milliseconds(5)) { false }
        server.kill()
        #expect(loop.run(atMost: patience) { !diary.lost.isEmpty })
        #expect(diary.replies.count == 10)
        for reply in diary.replies {
            #expect(throws: RedisError.self) { try reply.get() }
        }
        #expect(connection.info == nil)
        #expect(throws: RedisError.self) { try connection.command(["PING"]) { _ in } }
        #expect(connection.lastError != nil)
        try server.restart()
        #expect(loop.run(atMost: patience) { diary.ready.count == 2 })
        #expect(diary.ready[0].runID != diary.ready[1].runID)
        #expect(connection.lastError == nil)
    }

    @Test(arguments: ["127.0.0.1:1", "/nonexistent/socket", "no-such-host.invalid:6379"])
    func `a dead address neither spins nor blocks the loop`(address: String) throws {
        let diary = Diary()
        let connection = connect(to: try RedisAddress(address), diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { connection.lastError != nil })
        let before = threadTime()
        loop.run(atMost: .milliseconds(500)) { false }
        #expect(threadTime() - before < .milliseconds(250))
        #expect(diary.ready.isEmpty && diary.lost.isEmpty)
        #expect(throws: RedisError.self) { try connection.command(["PING"]) { _ in } }
    }

    @Test func `a server that asks for a password is refused with its own words`() throws {
        let server = try RedisServer()
        try server.ask("CONFIG", "SET", "requirepass", "secret")
        let diary = Diary()
        let connection = connect(to: server.address, diary)
        defer { connection.close() }
        #expect(loop.run(atMost: patience) { connection.lastError != nil })
        #expect(connection.lastError?.message.contains("NOAUTH") == true)
    }

    @Test func `closing within a completion fails the rest and is the end`() throws {
        let server = try RedisServer()
        let diary = Diary()
        let connection = connect(to: server.address, diary)
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
        try connection.command(["PING"]) { _ in connection.close() }
        for _ in 0..<3 { try connection.command(["BLPOP", "nothing", "0"]) { diary.replies.append($0) } }
        #expect(loop.run(atMost: patience) { diary.replies.count == 3 })
        for reply in diary.replies {
            guard case .failure(let error) = reply else { return #expect(Bool(false), "\(reply)") }
            #expect(error.code == .closed)
        }
        #expect(diary.lost.isEmpty)
        #expect(throws: RedisError.self) { try connection.command(["PING"]) { _ in } }
    }

    @Test func `what was sent right before closing still arrives`() throws {
        let server = try RedisServer()
        let diary = Diary()
        let connection = connect(to: server.address, diary)
        #expect(loop.run(atMost: patience) { !diary.ready.isEmpty })
        try connection.command(["SET", "key", "value"]) { diary.replies.append($0) }
        connection.close()
        #expect(diary.replies.count == 1)
        #expect(try server.ask("GET", "key") == .bytes(Array("value".utf8)))
    }

    /// CPU time of this thread alone: other tests run in parallel.
    private func threadTime() -> TimeAmount {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
