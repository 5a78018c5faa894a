import Redis
import RedisTestSupport
import SeededTestSupport
import Simulation
import Testing
import Wire
import ZeroMQ

@testable import Redlock

/// What the simulator takes for Redis answers as Redis does.
@Suite struct RedisModelTests {
    @Test func `random lock commands get the answers of a real server`() throws {
        var comparison = try RedisComparison(seed: Operations.seed)
        for _ in 0..<Operations.count { try comparison.step() }
        try comparison.compareEnds()
        // A comparison that never saw one of these has compared little.
        for verdict in ["yes", "held for a time", "held", "missing", "expired", "flushed"] {
            #expect(comparison.seen[verdict, default: 0] >= Operations.count / 1_000, "\(verdict)")
        }
    }
}

/// Gives a real server and the model the same commands. The model's clock is what the server's script read.
private struct RedisComparison {
    private(set) var seen: [String: Int] = [:]
    private var generator: SeededGenerator
    private let seed: UInt64
    private let server: RedisServer
    private let loop = EventLoop()
    private let connection: RedisConnection
    private var model = RedisModel()
    private var number = 0
    /// When the model's keys end, by the server's clock in microseconds.
    private var ends: [String: Int64] = [:]
    private let keys = (0..<4).map { "partition:\($0)" }
    private let tokens = (1...3).map { LeaseToken(rawValue: $0 << 70 + 1) }
    /// Redis reckons in milliseconds, and its keys by the clock when a command began: so near to its end a key
    /// may be there or not.
    private static let vagueness: Int64 = 3_000
    /// If a command takes longer than this the server may have slept in the middle of it: that tells nothing.
    private static let tooLong = TimeAmount.milliseconds(1)

    init(seed: UInt64) throws {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        server = try RedisServer()
        connection = RedisConnection(to: server.address, loop: loop, random: { 0 }, onEvent: { _ in })
        let connection = connection
        try #require(loop.run(atMost: .seconds(20)) { connection.info != nil })
    }

    mutating func step() throws {
        number += 1
        try letVagueKeysEnd()
        if generator.oneIn(200) { return try flush() }
        if generator.oneIn(50) { return try forge() }
        let action = LockCommand.Action.allCases[generator.number(0...LockCommand.Action.allCases.count - 1)]
        try compare(action, keys[generator.number(0...keys.count - 1)], tokens[generator.number(0...2)])
    }

    private mutating func compare(_ action: LockCommand.Action, _ key: String, _ token: LeaseToken) throws {
        let ttl = TimeAmount.milliseconds(generator.oneIn(3) ? Int64(generator.number(1...20)) : 60_000)
        let isLook = action == .look
        let command = LockCommand(
            action, key: isLook ? "" : key, token: token, ttl: isLook || action == .release ? .zero : ttl,
            attempt: 0, sent: .distantPast)
        let sent = MonotonicTime.now()
        let real = try answer(command)
        guard MonotonicTime.now() - sent < Self.tooLong, !isVague(at: real.clock) else { return try flush() }
        if let end = ends[command.key], end <= real.clock { note("expired") }
        let modelled = model.execute(command, at: real.clock)
        #expect(modelled.memory == real.memory, "\(place) memory after \(command)")
        #expect(modelled.clock == real.clock)
        #expect(isSame(modelled.verdict, real.verdict), "\(place) \(command): \(modelled) for \(real)")
        note(real.verdict)
        guard real.verdict == .yes else { return }
        switch action {
        case .acquire, .extend, .repair: ends[key] = real.clock + ttl.microseconds
        case .release: ends[key] = nil
        case .look: break
        }
    }

    /// Each key's holder and end, told by those whom the server refuses and by the one whom it does not.
    mutating func compareEnds() throws {
        try letVagueKeysEnd()
        for key in keys {
            try compare(.acquire, key, LeaseToken(rawValue: 99))
            for token in tokens { try compare(.release, key, token) }
            try compare(.acquire, key, LeaseToken(rawValue: 98))
        }
    }

    private func isSame(_ modelled: LockAnswer.Verdict, _ real: LockAnswer.Verdict) -> Bool {
        guard case .held(let left?) = modelled, case .held(let really?) = real else {
            return modelled == real
        }
        return abs(left.microseconds - really.microseconds) <= Self.vagueness
    }

    // MARK: What operators and attackers do

    private mutating func flush() throws {
        _ = try ask(["FLUSHALL"])
        model.flush()
        ends = [:]
        note("flushed")
    }

    private mutating func forge() throws {
        let (key, token) = (keys[generator.number(0...keys.count - 1)], tokens[generator.number(0...2)])
        let end = try clock() / 1_000 + Int64(generator.number(10...50))
        _ = try ask(["SET", .text(key), .text(token.description), "PXAT", .integer(end)])
        model.forge(key, token: token, until: end * 1_000)
        ends[key] = end * 1_000
    }

    // MARK: The real server

    /// Asks for the time until no key is about to end.
    private func letVagueKeysEnd() throws {
        while isVague(at: try clock()) {}
    }

    private func isVague(at clock: Int64) -> Bool {
        ends.values.contains { abs($0 - clock) <= Self.vagueness }
    }

    private func clock() throws -> Int64 {
        guard case .array(let parts) = try ask(["TIME"]), parts.count == 2,
            let seconds = parts[0].text.flatMap({ Int64($0) }),
            let rest = parts[1].text.flatMap({ Int64($0) })
        else { throw Strange(saying: "TIME told no time") }
        return seconds * 1_000_000 + rest
    }

    private func answer(_ command: LockCommand) throws -> LockAnswer {
        let reply = LockScript.reply(.success(try ask(LockScript.words(command))))
        guard case .answered(let answer) = reply else {
            throw Strange(saying: "\(command): \(reply)")
        }
        return answer
    }

    private func ask(_ words: [RedisArgument]) throws -> RedisReply {
        var result: Result<RedisReply, RedisError>?
        try connection.command(words) { result = $0 }
        loop.run(atMost: .seconds(20)) { result != nil }
        return try #require(result, "no answer in 20 s").get()
    }

    private struct Strange: Error { let saying: String }

    // MARK: Notes

    private var place: String { "operation \(number) of seed \(seed):" }

    private mutating func note(_ verdict: LockAnswer.Verdict) {
        switch verdict {
        case .yes: note("yes")
        case .held(.some): note("held for a time")
        case .held(nil): note("held")
        case .missing: note("missing")
        }
    }

    private mutating func note(_ what: String) { seen[what, default: 0] += 1 }
}
