import Broker
import Methods
import Sales
import Testing
import Wire
import ZeroMQ

/// Promise P7 through two brokers, of which one does not hear that a unit came back.
@Suite struct GateLeaseTests {
    @Test func `a broker that misses the opening of a gate opens it by itself within its lease`() throws {
        let harness = try BrokerHarness()
        let brokers = [try harness.start("a"), try harness.start("b")]
        let routing = RoutingKey(sale: 1, lane: 0)
        let gate = ClosedGate(
            method: Peer.method, routing: routing,
            partition: Partition(rawValue: Int16(routing.partition(of: 4))), fence: Fence(rawValue: 1),
            change: 1, reason: .soldOut)
        var isSoldOut = true
        var hearsB = true
        let workers = try brokers.map { try harness.worker(of: $0) }
        workers[0].keepBeating { isSoldOut ? [gate] : [] }
        workers[1].onMessage = { message in
            guard message.header.kind == .beat, hearsB else { return }
            var header = Header(.beat)
            header.callID = message.header.callID
            workers[1].send(header, WorkerBeat(isFit: true, leaseLeft: nil, gates: isSoldOut ? [gate] : []))
        }
        for worker in workers { worker.join(as: "one", owning: 0..<4) }
        let clients = try brokers.map { try harness.client(of: $0) }
        var callID: UInt64 = 0

        /// How the broker answers an order: at the door, or by its worker.
        func isClosed(_ index: Int) throws -> Bool {
            callID += 1
            workers[index].forget()
            clients[index].send(Peer.call(callID))
            harness.loop.run(atMost: .seconds(10)) {
                workers[index].first(.call) != nil || clients[index].first(.result, callID: callID) != nil
            }
            if let call = workers[index].first(.call) { workers[index].answer(call) }
            let result = try #require(clients[index].wait(for: .result, callID: callID))
            return result.header.reason == .soldOut
        }
        for index in 0...1 {
            let closes = harness.loop.run(atMost: .seconds(10)) { (try? isClosed(index)) == true }
            #expect(closes)
        }

        // The unit comes back. Broker a hears of it, broker b hears nothing more.
        hearsB = false
        isSoldOut = false
        let returned = MonotonicTime.now()
        var lastRefused = returned
        for index in 0...1 {
            let opens = harness.loop.run(atMost: .seconds(10)) {
                let asked = MonotonicTime.now()
                guard (try? isClosed(index)) == true else { return true }
                lastRefused = asked
                return false
            }
            #expect(opens)
        }
        // By when the order was sent, so that a machine under load proves nothing wrong.
        #expect(lastRefused - returned < .milliseconds(500))
        isSoldOut = true
        let closesAgain = harness.loop.run(atMost: .seconds(10)) { (try? isClosed(0)) == true }
        #expect(closesAgain)
        #expect(try !isClosed(1), "broker b still hears nothing")
    }
}
