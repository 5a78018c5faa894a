import Digests
import Foundation
import HTTPServer
import Ledger
import Relay
import Sales
import Synchronization
import Testing

/// A receiver that checks signatures, and answers as its test says.
private final class Receiver: Sendable {
    static let secret = Array("a secret of thirty-two bytes, ok".utf8)

    struct Seen {
        var bodies: [String] = []
        var badSignatures = 0
    }

    let seen = Mutex(Seen())
    let server: HTTPServer

    /// - Parameter answer: the status for a body that arrives for the n-th time, from 1.
    init(port: UInt16 = 0, _ answer: @escaping @Sendable (String, Int) -> Int) throws {
        let seen = Mutex<[String: Int]>([:])
        let box = Box()
        server = try HTTPServer(port: port) { request in
            let text = String(decoding: request.body, as: UTF8.self)
            let header = request.headers[WebhookSignature.header] ?? ""
            do {
                try WebhookSignature.check(
                    header, secret: Receiver.secret, now: Int64(Date().timeIntervalSince1970),
                    body: request.body)
            } catch {
                box.receiver?.seen.withLock { $0.badSignatures += 1 }
                return OutgoingResponse(status: 401)
            }
            let count = seen.withLock { seen in
                seen[text, default: 0] += 1
                return seen[text] ?? 0
            }
            let status = answer(text, count)
            if status < 300 { box.receiver?.seen.withLock { $0.bodies.append(text) } }
            return OutgoingResponse(status: status)
        }
        box.receiver = self
    }

    func stop() {
        let done = DispatchSemaphore(value: 0)
        Task.detached { [server] in
            await server.stop()
            done.signal()
        }
        done.wait()
    }

    var bodies: [String] { seen.withLock { $0.bodies } }

    private final class Box: @unchecked Sendable {
        // Set before the first request.
        weak var receiver: Receiver?
    }

    func sink(attempts: Int = 3, secret: [UInt8] = Receiver.secret) -> WebhookSink {
        WebhookSink(
            url: "http://127.0.0.1:\(server.port)/in", secret: secret, attempts: attempts, parallel: 4,
            source: "/test")
    }
}

@Suite struct WebhookTests {
    @Test func `every event is posted, signed, and in its order's order though many are on their way`() throws
    {
        let shop = try TestShop(seed: 21)
        try shop.trade(300)
        // Every fifth is refused the first time, and must not be overtaken by its order's next.
        let receiver = try Receiver { text, count in text.utf8.count % 5 == 0 && count == 1 ? 500 : 200 }
        defer { receiver.stop() }
        shop.tellAll("webhook", chunk: 120) { _ in receiver.sink() }
        let consumer = try PumpTests.consumed(receiver.bodies)
        #expect(consumer.ids == (try shop.ledger()))
        #expect(consumer.disorder.isEmpty, "\(consumer.disorder.prefix(3))")
        #expect(receiver.seen.withLock { $0.badSignatures } == 0)
    }

    @Test func `what is refused for good is a dead letter, and is sent again when somebody asks`() throws {
        let shop = try TestShop(partitions: 1, seed: 22)
        try shop.trade(30)
        let isMended = Atomic(false)
        let receiver = try Receiver { text, _ in
            text.contains("\"id\":\"0-5\"") && !isMended.load(ordering: .relaxed) ? 400 : 200
        }
        defer { receiver.stop() }
        shop.tellAll("webhook") { _ in receiver.sink(attempts: 2) }
        let ledger = try RelayLedger(dsn: shop.dsn)
        let dead = try ledger.deadLetters(of: "webhook", limit: 10)
        #expect(dead.map(\.letter.sequence) == [5])
        #expect(dead.first?.letter.attempts == 2)
        #expect(dead.first?.letter.reason.contains("400") == true)
        // The others were not held up, and the cursor is at the end.
        #expect(receiver.bodies.count == shop.entries - 1)
        #expect(try ledger.status().first?.lag == 0)
        #expect(try ledger.status().first?.deadLetters == 1)

        isMended.store(true, ordering: .relaxed)
        #expect(try ledger.retry("webhook", OrderID(partition: Partition(rawValue: 0), sequence: 6)) == 0)
        #expect(try ledger.retry("webhook") == 1)
        shop.tellAll("webhook") { _ in receiver.sink(attempts: 2) }
        #expect(try ledger.deadLetters(of: nil, limit: 10).isEmpty)
        #expect(receiver.bodies.count == shop.entries)
    }

    @Test func `while the receiver is away nothing is a dead letter, and all arrives when it is back`() throws
    {
        let shop = try TestShop(seed: 23)
        try shop.trade(100)
        let isBack = Atomic(false)
        let receiver = try Receiver { _, _ in isBack.load(ordering: .relaxed) ? 200 : 503 }
        defer { receiver.stop() }
        let stop = StopFlag()
        let (dsn, port) = (shop.dsn, receiver.server.port)
        let group = DispatchGroup()
        DispatchQueue(label: "relay").async(group: group) {
            Pump(
                Pump.Configuration(ledger: dsn, sink: "webhook", target: "test"), stop: stop, logger: .quiet,
                seed: 3
            ) { _ in
                WebhookSink(
                    url: "http://127.0.0.1:\(port)/in", secret: Receiver.secret, attempts: 2, parallel: 4,
                    source: "/test")
            }.run()
        }
        let ledger = try RelayLedger(dsn: dsn)
        var trouble: String?
        for _ in 0..<1_000 where trouble == nil {
            trouble = try ledger.status().first?.trouble
            usleep(10_000)
        }
        #expect(trouble?.contains("503") == true)
        #expect(try ledger.status().first?.taken == 0)
        isBack.store(true, ordering: .relaxed)
        var lag: Int64 = 1
        for _ in 0..<3_000 where lag > 0 {
            lag = try ledger.status().first?.lag ?? 1
            usleep(10_000)
        }
        stop.raise()
        group.wait()
        #expect(lag == 0)
        #expect(try ledger.deadLetters(of: nil, limit: 10).isEmpty)
        #expect(try PumpTests.consumed(receiver.bodies).ids == (try shop.ledger()))
    }

    @Test func `a receiver with another secret takes nothing`() throws {
        let shop = try TestShop(partitions: 1, seed: 24)
        let receiver = try Receiver { _, _ in 200 }
        defer { receiver.stop() }
        let other = Array("another secret of many bytes....".utf8)
        shop.tellAll("webhook") { _ in receiver.sink(attempts: 1, secret: other) }
        #expect(receiver.bodies.isEmpty)
        #expect(receiver.seen.withLock { $0.badSignatures } == 1)
        #expect(try RelayLedger(dsn: shop.dsn).deadLetters(of: nil, limit: 10).count == 1)
    }
}
