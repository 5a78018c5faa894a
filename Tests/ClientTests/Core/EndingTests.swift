import Resilience
import Testing
import Wire

@testable import Client

/// Promise P8, against brokers that do whatever a seed says.
@Suite struct EndingTests {
    @Test(arguments: 1...300)
    func `every call ends once, and its certainty is true`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var client = CoreHarness(brokers: Int.random(in: 1...3, using: &random)) {
            $0.maximumCallsInFlight = 40
        }
        client.tick()
        var begun = 0
        var owner: [Int: Int] = [:]
        var ended = Set<Int>()
        var seen = (sent: 0, endings: 0)
        /// Per call: whether an attempt went out that was not answered with "not executed".
        var open: [Int: Int] = [:]
        var attemptOwner: [CallID: Int] = [:]

        func check() {
            for attempt in client.sent[seen.sent...] {
                let call = owner[attempt.slot] ?? begun
                attemptOwner[attempt.id] = call
                open[call, default: 0] += 1
            }
            seen.sent = client.sent.count
            for (slot, ending) in client.endings[seen.endings...] {
                let call = owner.removeValue(forKey: slot) ?? begun
                #expect(ended.insert(call).inserted, "call \(call) ended twice")
                if ending.status != .ok, ending.certainty == .notExecuted {
                    #expect(open[call, default: 0] == 0, "call \(call) may have run")
                }
            }
            seen.endings = client.endings.count
        }

        for _ in 0..<400 {
            let broker = client.core.sessions.indices.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4:
                let slot = client.begin(
                    deadline: .milliseconds(Int64.random(in: 0...3_000, using: &random)),
                    isRepeatable: Bool.random(using: &random),
                    attempts: UInt8.random(in: 1...5, using: &random),
                    hedge: Bool.random(using: &random) ? .after(.milliseconds(50)) : .never)
                if slot >= 0 {
                    if !client.endings[seen.endings...].contains(where: { $0.slot == slot }) {
                        owner[slot] = begun
                    }
                    check()
                    begun += 1
                }
            case 4..<8:
                guard let attempt = client.sent.suffix(30).randomElement(using: &random) else { continue }
                let status = Status.allCases.randomElement(using: &random) ?? .ok
                let certainty: Certainty =
                    status == .ok
                    ? .executed : (Certainty.allCases.randomElement(using: &random) ?? .executed)
                // Only the first word on an attempt that is still awaited takes it back.
                let isAwaited =
                    client.core.isLive(attempt.id)
                    && client.core.isOpen(attempt.slot, attempt.id.attempt, at: attempt.broker)
                if isAwaited, certainty == .notExecuted, let call = attemptOwner[attempt.id] {
                    open[call, default: 0] -= 1
                }
                client.answer(
                    attempt, status, certainty, Reason.allCases.randomElement(using: &random) ?? .none,
                    retryAfter: UInt32.random(in: 0...100, using: &random))
            case 8: if client.core.sessions[broker].isOpen { client.lose(broker) }
            case 9:
                if client.core.sessions[broker].state == .opening { client.comeUp(broker) }
            case 10:
                if let slot = owner.keys.sorted().randomElement(using: &random) { client.cancel(slot) }
            default:
                client.stuck = Int.random(in: 0..<4, using: &random) == 0 ? [broker] : []
                client.pass(.milliseconds(Int64.random(in: 1...400, using: &random)))
            }
            check()
        }
        client.close()
        check()
        #expect(ended.count == begun)
        #expect(client.core.callsInFlight == 0)
        #expect(client.core.sessions.allSatisfy { $0.attempts == 0 })
    }
}
