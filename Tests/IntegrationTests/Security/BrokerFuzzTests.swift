import Foundation
import HostileTestSupport
import Methods
import Sales
import SeededTestSupport
import Testing
import Wire
import ZeroMQ

/// A live broker under bytes of every kind, beside a good client that must never stall.
///
/// Seconds in every test run; `make fuzz-broker` runs it for minutes (`STAMPEDE_FUZZ_SECONDS`) from a new seed
/// (`STAMPEDE_FUZZ_SEED`).
@Suite struct BrokerFuzzTests {
    private static let seconds = environment("STAMPEDE_FUZZ_SECONDS").map(Int.init) ?? 3
    private static let seed = environment("STAMPEDE_FUZZ_SEED") ?? 1
    private static let attackers = 3
    /// What a broker may grow by while it is attacked, in bytes.
    private static let memoryLimit = 192 << 20

    private static func environment(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `a broker that asks for keys survives everything`() async throws {
        let folder = try Folder()
        let keyring = try await Keyring(in: folder)
        let broker = try await BrokerProgram(in: folder, keyring.brokerArguments)
        try await attack(broker, .asksForKeys, try keyring.keys("ops"), insider: try keyring.keys("shop"))
    }

    @Test func `a broker that asks nobody survives what can be survived`() async throws {
        let folder = try Folder()
        let broker = try await BrokerProgram(in: folder, ["--insecure-tcp"])
        try await attack(broker, .asksNobody, nil, insider: nil)
    }

    /// - Parameter insider: keys of an attacker that is let in.
    private func attack(
        _ broker: BrokerProgram, _ target: Fuzzer.Target, _ good: ConnectionKeys?, insider: ConnectionKeys?
    ) async throws {
        let end = ContinuousClock.now + .seconds(Self.seconds)
        let before = broker.memory
        var grown = 0
        var rounds = 0
        let report = try await GoodClient(broker.clients, good).beside {
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<Self.attackers {
                    let port = number == 0 ? broker.workersPort : broker.port
                    group.addTask {
                        await onThread {
                            var fuzzer = Fuzzer(
                                port: port, target: target, seed: Self.seed &+ UInt64(number),
                                messages: Self.messages)
                            while ContinuousClock.now < end, fuzzer.round() {}
                            #expect(fuzzer.answered > 0)
                            return fuzzer.rounds
                        }
                    }
                }
                let clients = broker.clients
                group.addTask { await onThread { Self.misbehave(at: clients, insider, until: end) } }
                for await count in group { rounds += count }
            }
            grown = broker.memory - before
        }
        #expect(broker.program.isRunning, "seed \(Self.seed): \(broker.program.err.suffix(2_000))")
        #expect(report.failure == nil, "seed \(Self.seed), after \(report.calls) calls")
        #expect(report.calls > 0 && rounds > 10 * Self.attackers)
        #expect(grown < Self.memoryLimit, "seed \(Self.seed): \(grown >> 20) MiB")
        print(
            "fuzz: \(rounds) attacks; \(report.calls) good calls, longest \(report.longest); "
                + "memory +\(grown >> 20) MiB; seed \(Self.seed)")
    }

    /// Through ZeroMQ itself, and with a key if one is needed: frames that are no messages, and messages of many
    /// frames. Returns how many were sent.
    private static func misbehave(
        at endpoint: String, _ keys: ConnectionKeys?, until end: ContinuousClock.Instant
    ) -> Int {
        let context = Context()
        let loop = EventLoop()
        var random = SeededGenerator(seed: seed &+ 1_000)
        var sent = 0
        while ContinuousClock.now < end {
            var options = SocketOptions()
            options.linger = .zero
            options.security = keys?.security(for: endpoint) ?? .none
            guard let socket = try? Socket(.dealer, in: context, options: options),
                (try? socket.connect(endpoint)) != nil
            else { return sent }
            guard loop.run(atMost: .seconds(5), until: { socket.isWritable }) || ContinuousClock.now > end
            else { return sent }
            for _ in 0..<random.number(1...200) {
                var message = messages[random.number(0...messages.count - 1)]
                if !random.oneIn(4) {
                    message[random.number(0...message.count - 1)] = UInt8.random(in: 0...255, using: &random)
                }
                let frames = random.oneIn(4) ? random.number(2...30) : 1
                let parts = [[UInt8]](repeating: message, count: frames)
                if socket.send(parts: parts) == .sent { sent += 1 }
            }
        }
        return sent
    }

    /// One of every kind, and calls that a broker answers by itself.
    private static let messages: [[UInt8]] = {
        var all = Header.Kind.allCases.map { kind in
            var header = Header(kind)
            header.callID = 7
            return Frame.encode(header, body: [0x80])
        }
        let key = RequestKey(rawValue: 5)
        let sale = SaleID(rawValue: 1)
        let place = PlaceOrder(sale: sale, buyer: BuyerID(rawValue: 2), quantity: 1, key: key)
        var header = OrderMethods.place.header(for: place)
        header.callID = 9
        all.append(Frame.encode(header, body: place))
        header = SystemMethods.brokerStatus.header(for: Empty())
        header.callID = 10
        all.append(Frame.encode(header, body: Empty()))
        let ready = Ready(
            name: "evil", incarnation: "x", partitions: 64, hash: RoutingKey.hashName,
            methods: [OrderMethods.place.id], credit: [10, 10, 10], leaseTTL: 3_000)
        all.append(Frame.encode(Header(.ready), body: ready))
        return all
    }()
}
