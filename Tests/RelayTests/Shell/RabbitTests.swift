import Foundation
import Ledger
import RabbitMQ
import RabbitTestSupport
import Relay
import Sales
import Synchronization
import Testing

/// Against one real server, which is killed and comes back.
@Suite(.serialized, .enabled(if: RabbitServer.isInstalled, "needs rabbitmq-server"))
struct RabbitTests {
    private static let shared = Result { try RabbitServer() }

    static func configuration(_ server: RabbitServer) -> RabbitConnection.Configuration {
        RabbitConnection.Configuration(
            host: "127.0.0.1", port: server.port, user: "guest", password: "guest", virtualHost: "/")
    }

    static func sink(_ server: RabbitServer, _ name: String, type: String = "quorum") -> RabbitSink {
        RabbitSink(
            configuration(server), exchange: name, queue: name, queueType: type, source: "/test")
    }

    /// All that is in a queue.
    static func drain(_ server: RabbitServer, _ queue: String) throws -> [(type: String, body: String)] {
        let connection = try RabbitConnection(configuration(server))
        var all: [(type: String, body: String)] = []
        while let message = try connection.take(from: queue) {
            all.append((message.type, String(decoding: message.body, as: UTF8.self)))
        }
        return all
    }

    @Test(arguments: ["quorum", "classic"])
    func `every entry is in the queue once, in order, under its type`(type: String) throws {
        let server = try Self.shared.get()
        let shop = try TestShop(seed: 11)
        try shop.trade(400)
        shop.tellAll("rabbitmq", chunk: 150) { _ in Self.sink(server, "all-\(type)", type: type) }
        let messages = try Self.drain(server, "all-\(type)")
        for (type, body) in messages { #expect(body.contains("\"type\":\"\(type)\"")) }
        let consumer = try PumpTests.consumed(messages.map(\.body))
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty && consumer.duplicates == 0)
    }

    @Test func `a queue that somebody deletes is made again, and what was returned is in it`() throws {
        let server = try Self.shared.get()
        let shop = try TestShop(seed: 12)
        try shop.trade(60)
        let sink = Self.sink(server, "deleted")
        shop.tellAll("rabbitmq") { _ in sink }
        #expect(try Self.drain(server, "deleted").count == shop.entries)
        try RabbitConnection(Self.configuration(server)).delete(queue: "deleted")
        let before = shop.entries
        try shop.trade(60)
        // The same connection goes on, which declared the queue long ago.
        shop.tellAll("rabbitmq") { _ in sink }
        #expect(try Self.drain(server, "deleted").count == shop.entries - before)
    }

    @Test func `a queue of another type under the name is a refusal in words`() throws {
        let server = try Self.shared.get()
        let connection = try RabbitConnection(Self.configuration(server))
        try connection.declare(exchange: "typed", queue: "typed", queueType: "classic")
        let error = #expect(throws: RabbitError.self) {
            try connection.declare(exchange: "typed", queue: "typed", queueType: "quorum")
        }
        #expect(error?.message.contains("406") == true, "\(error?.message ?? "")")
        #expect(error?.isUnreachable == false)
    }

    @Test func `a wrong password is told without the password`() throws {
        let server = try Self.shared.get()
        var configuration = Self.configuration(server)
        configuration.password = "wr0ng"
        let error = #expect(throws: RabbitError.self) { try RabbitConnection(configuration) }
        #expect(error?.message.contains("guest") == true)
        #expect(error?.message.contains("wr0ng") == false)
    }

    @Test func `a server that is killed and comes back misses nothing, and order is kept`() throws {
        let server = try RabbitServer()
        let shop = try TestShop(seed: 13)
        let stop = StopFlag()
        let (dsn, port) = (shop.dsn, server.port)
        let group = DispatchGroup()
        DispatchQueue(label: "relay").async(group: group) {
            var configuration = Pump.Configuration(ledger: dsn, sink: "rabbitmq", target: "test")
            configuration.chunk = 20
            Pump(configuration, stop: stop, logger: .quiet, seed: 7) { _ in
                RabbitSink(
                    RabbitConnection.Configuration(
                        host: "127.0.0.1", port: port, user: "guest", password: "guest", virtualHost: "/"),
                    exchange: "events", queue: "events", queueType: "quorum", source: "/test")
            }.run()
        }
        let ledger = try RelayLedger(dsn: dsn)
        for _ in 0..<2 {
            try shop.trade(300)
            // Killed while it is being told.
            for _ in 0..<3_000 where try ledger.status().first?.lag ?? 300 > 200 { usleep(10_000) }
            server.kill()
            try server.start()
        }
        shop.tellAll("rabbitmq") { _ in Self.sink(server, "events") }
        stop.raise()
        group.wait()
        #expect(try ledger.status().first?.lag == 0)
        let consumer = try PumpTests.consumed(Self.drain(server, "events").map(\.body))
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty, "\(consumer.disorder.prefix(3))")
    }
}
