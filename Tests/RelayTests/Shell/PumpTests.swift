import Foundation
import Ledger
import Redis
import RedisTestSupport
import Relay
import Resilience
import Sales
import Testing

/// A sink in memory that fails, and may die between taking events and its cursor.
private final class Listener: Sink {
    var consumer = Consumer()
    /// Called with each publication; throws to fail it after so many events.
    var failAfter: [Int?] = []
    var taken: [String] = []

    func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter] {
        let limit = failAfter.isEmpty ? nil : failAfter.removeFirst()
        for (index, event) in events.enumerated() {
            if index == limit { throw SinkError("no more", .failure) }
            taken.append(String(decoding: event.json(source: "/test"), as: UTF8.self))
        }
        return []
    }
}

@Suite struct PumpTests {
    static func consumed(_ texts: [String]) throws -> Consumer {
        var consumer = Consumer()
        for text in texts { try consumer.take(text) }
        return consumer
    }

    @Test func `what fails half way is told again, and nothing is lost or out of order`() throws {
        let shop = try TestShop(seed: 3)
        try shop.trade(900)
        let listener = Listener()
        listener.failAfter = [0, 3, nil, 17, 1, nil]
        shop.tellAll("listener", chunk: 60) { _ in listener }
        let consumer = try Self.consumed(listener.taken)
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty, "\(consumer.disorder.prefix(3))")
        #expect(consumer.duplicates == 0 + 3 + 17 + 1)
    }

    @Test func `a relay goes on where the one before it stopped, with the orders' versions`() throws {
        let shop = try TestShop(seed: 4)
        let listener = Listener()
        for _ in 0..<6 {
            try shop.trade(150)
            // A new pump remembers nothing.
            shop.tellAll("listener", chunk: 30) { _ in listener }
        }
        let consumer = try Self.consumed(listener.taken)
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty, "\(consumer.disorder.prefix(3))")
        #expect(consumer.duplicates == 0)
    }

    @Test func `another ledger under the cursor is told, and not passed over`() throws {
        let shop = try TestShop(partitions: 1)
        try shop.trade(100)
        let listener = Listener()
        shop.tellAll("listener") { _ in listener }
        _ = try shop.sql("UPDATE stampede.relay_cursors SET mark = mark + 1")
        try shop.trade(40)
        let before = listener.taken.count
        let stop = StopFlag()
        let dsn = shop.dsn
        let group = DispatchGroup()
        DispatchQueue(label: "relay").async(group: group) {
            let quiet = Listener()
            Pump(
                Pump.Configuration(ledger: dsn, sink: "listener", target: "test"), stop: stop, logger: .quiet,
                seed: 1
            ) { _ in quiet }.run()
        }
        let ledger = try RelayLedger(dsn: dsn)
        var trouble: String?
        for _ in 0..<1_000 where trouble == nil {
            trouble = try ledger.status().first?.trouble
            usleep(10_000)
        }
        #expect(trouble?.contains("stampede relay replay") == true)
        #expect(try ledger.status().first?.lag == 40)
        // An operator decides where to go on, and the relay that runs does.
        #expect(try ledger.replay("listener", from: .sequence(1)) == 1)
        var lag: Int64 = 1
        for _ in 0..<1_000 where lag > 0 {
            lag = try ledger.status().first?.lag ?? 1
            usleep(10_000)
        }
        #expect(lag == 0)
        stop.raise()
        group.wait()
        #expect(listener.taken.count == before)
    }

    @Test func `a sink is told again from a moment on`() throws {
        let shop = try TestShop(partitions: 2)
        try shop.trade(200)
        let listener = Listener()
        shop.tellAll("listener") { _ in listener }
        let ledger = try RelayLedger(dsn: shop.dsn)
        let moment = try #require(
            Int64(try shop.sql("SELECT max(at) FROM stampede.ledger WHERE seq = 40 AND partition = 0")))
        #expect(try ledger.replay("listener", from: .time(LedgerTime(rawValue: moment))) == 2)
        listener.taken = []
        shop.tellAll("listener") { _ in listener }
        let expected = try shop.sql("SELECT count(*) FROM stampede.ledger WHERE at >= \(moment)")
        #expect("\(listener.taken.count)" == expected)
    }
}

@Suite struct RedisStreamTests {
    static func events(_ server: RedisServer, _ stream: String) throws -> [String] {
        guard case .array(let items) = try server.ask("XRANGE", .text(stream), "-", "+") else { return [] }
        return items.compactMap { item in
            guard case .array(let parts) = item, parts.count == 2, case .array(let fields) = parts[1],
                fields.count == 2, fields[0].text == "event"
            else { return nil }
            return fields[1].text
        }
    }

    static func sink(_ server: RedisServer, maxLength: Int = 0) -> RedisStreamSink {
        RedisStreamSink(
            server.address, stream: "events", maxLength: maxLength, source: "/test",
            random: { .random(in: 0 ... .max) })
    }

    @Test func `every entry is in the stream once, in order`() throws {
        let shop = try TestShop(seed: 5)
        try shop.trade(1_000)
        let server = try RedisServer()
        shop.tellAll("redis", chunk: 700) { _ in Self.sink(server) }
        let consumer = try PumpTests.consumed(Self.events(server, "events"))
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty && consumer.duplicates == 0)
    }

    @Test func `a server that is killed and comes back misses nothing`() throws {
        let shop = try TestShop(seed: 6)
        let server = try RedisServer(options: ["--appendonly", "yes", "--appendfsync", "always"])
        let stop = StopFlag()
        let dsn = shop.dsn
        let address = server.address
        let group = DispatchGroup()
        DispatchQueue(label: "relay").async(group: group) {
            var configuration = Pump.Configuration(ledger: dsn, sink: "redis", target: "test")
            configuration.chunk = 40
            Pump(configuration, stop: stop, logger: .quiet, seed: 7) { _ in
                RedisStreamSink(
                    address, stream: "events", maxLength: 0, source: "/test",
                    random: { .random(in: 0 ... .max) })
            }.run()
        }
        for _ in 0..<3 {
            try shop.trade(200)
            try server.restart()
        }
        shop.tellAll("redis") { _ in Self.sink(server) }
        stop.raise()
        group.wait()
        let consumer = try PumpTests.consumed(Self.events(server, "events"))
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty, "\(consumer.disorder.prefix(3))")
    }

    @Test func `the stream stays about as long as it may`() throws {
        let shop = try TestShop(seed: 8)
        try shop.trade(1_500)
        let server = try RedisServer()
        shop.tellAll("redis") { _ in Self.sink(server, maxLength: 200) }
        guard case .integer(let length) = try server.ask("XLEN", "events") else { return }
        #expect((200...400).contains(length))
    }
}
