import Testing
import Wire

@testable import Client

@Suite struct BrokerMemoryTests {
    private let start = MonotonicTime(nanoseconds: 1)

    private func key(_ sale: Int64) -> BrokerMemory.Key {
        BrokerMemory.Key(routing: RoutingKey(sale: sale, lane: 0), isPartition: false)
    }

    @Test func `the key used longest ago makes room`() {
        var memory = BrokerMemory(limit: 3)
        for sale in 1...3 { memory.remember(Int(sale), for: key(Int64(sale)), now: start) }
        #expect(memory.broker(for: key(1), now: start) == 1)
        memory.remember(4, for: key(4), now: start)
        #expect(memory.count == 3)
        #expect(memory.broker(for: key(2), now: start) == nil)
        #expect(memory.broker(for: key(1), now: start) == 1)
        #expect(memory.broker(for: key(3), now: start) == 3)
        #expect(memory.broker(for: key(4), now: start) == 4)
    }

    @Test func `an entry lapses`() {
        var memory = BrokerMemory()
        memory.remember(1, for: key(7), now: start)
        #expect(memory.broker(for: key(7), now: start + .seconds(9)) == 1)
        #expect(memory.broker(for: key(7), now: start + .seconds(10)) == nil)
        #expect(memory.isEmpty)
    }

    @Test func `a partition is another key than a sale of its number`() {
        var memory = BrokerMemory()
        memory.remember(1, for: key(7), now: start)
        let partition = BrokerMemory.Key(routing: RoutingKey(sale: 7, lane: 0), isPartition: true)
        #expect(memory.broker(for: partition, now: start) == nil)
    }

    @Test func `it agrees with a list that is searched`() {
        var memory = BrokerMemory(limit: 8)
        var list: [(sale: Int64, broker: Int)] = []
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let sale = Int64.random(in: 0..<20, using: &random)
            let broker = Int.random(in: 0..<3, using: &random)
            let index = list.firstIndex { $0.sale == sale }
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                if let index { list.remove(at: index) } else if list.count == 8 { list.removeFirst() }
                list.append((sale, broker))
                memory.remember(broker, for: key(sale), now: start)
            case 1:
                #expect(memory.broker(for: key(sale), now: start) == index.map { list[$0].broker })
                if let index { list.append(list.remove(at: index)) }
            default:
                if let index, list[index].broker == broker { list.remove(at: index) }
                memory.forget(broker, for: key(sale))
            }
            #expect(memory.count == list.count)
        }
    }

    // MARK: In the core

    @Test func `the broker that reached an owner is asked first from then on`() {
        var client = CoreHarness.up(brokers: 3)
        client.begin(sale: 7)
        let lame = client.sent[0].broker
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(50))
        let good = client.sent[1].broker
        #expect(good != lame)
        client.answer(client.sent[1], .ok)
        for _ in 0..<6 { client.begin(sale: 7) }
        #expect(client.sent[2...].allSatisfy { $0.broker == good })
        for _ in 0..<6 { client.begin(sale: 8) }
        #expect(Set(client.sent[8...].map(\.broker)) == [0, 1, 2])
    }

    @Test func `a remembered broker that fails is forgotten`() {
        var client = CoreHarness.up(brokers: 2)
        client.begin(sale: 7)
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(50))
        client.answer(client.sent[1], .ok)
        client.begin(sale: 7)
        client.answer(client.sent[2], .unavailable, .notExecuted, .ownerLost)
        #expect(client.core.memory.isEmpty)
        client.pass(.milliseconds(50))
        #expect(client.sent[3].broker != client.sent[2].broker)
    }

    @Test func `brokers that reach every owner are not remembered`() {
        var client = CoreHarness.up(brokers: 2)
        for _ in 0..<10 {
            client.begin(sale: 7)
            client.answer(client.sent[client.sent.count - 1], .ok)
        }
        #expect(client.core.memory.isEmpty)
        #expect(Set(client.sent.map(\.broker)) == [0, 1])
    }
}
