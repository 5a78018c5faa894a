import Notifications
import Testing
import Wire

@Suite struct DeliveryPolicyTests {
    let policy = DeliveryPolicy()

    @Test func `what was taken is done`() {
        #expect(
            policy.step(after: .taken(reference: "m1"), failed: 3, age: .zero, random: 0)
                == .done(reference: "m1"))
    }

    @Test func `what will never work is a dead letter at once`() {
        #expect(
            policy.step(after: .refused("no"), failed: 0, age: .zero, random: 0) == .deadLetter(reason: "no"))
    }

    @Test func `waits double with full jitter and end with the attempts`() {
        var longest: [Int64] = []
        for failed in 0..<11 {
            guard
                case .again(let after, "full", true) = policy.step(
                    after: .refusedForNow("full"), failed: failed, age: .zero, random: .max)
            else {
                Issue.record("given up after \(failed)")
                return
            }
            longest.append((after.milliseconds + 999) / 1_000)
        }
        #expect(longest == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])
        #expect(
            policy.step(after: .refusedForNow("full"), failed: 11, age: .zero, random: 0)
                == .deadLetter(reason: "full, 12 times"))
    }

    @Test func `even the shortest wait is no busy loop`() {
        #expect(
            policy.step(after: .unknown("cut"), failed: 0, age: .zero, random: 0)
                == .again(after: .milliseconds(200), reason: "cut", counts: true))
    }

    @Test func `an outage uses up no attempts, only time`() {
        #expect(
            policy.step(after: .unreachable("down"), failed: 11, age: .zero, random: 0)
                == .again(after: .milliseconds(200), reason: "down", counts: false))
        #expect(
            policy.step(after: .unreachable("down"), failed: 0, age: .seconds(86_400), random: 0)
                == .deadLetter(reason: "down, until it was too old"))
    }

    @Test func `a server's wish to wait is kept, up to an hour`() {
        for (wish, wait) in [(90, 90), (100_000, 3_600)] {
            #expect(
                policy.step(
                    after: .busy("limit", after: .seconds(Int64(wish))), failed: 0, age: .zero, random: 0)
                    == .again(after: .seconds(Int64(wait)), reason: "limit", counts: true))
        }
    }
}
