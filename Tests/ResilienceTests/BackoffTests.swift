import Resilience
import Testing
import Wire

@Suite struct BackoffTests {
    private let backoff = Backoff(base: .milliseconds(10), ceiling: .milliseconds(65))

    @Test(
        arguments: [(1, 10), (2, 20), (3, 40), (4, 65), (5, 65), (60, 65), (5_000, 65)] as [(Int, Int64)]
    )
    func `the longest wait doubles with every failure up to the ceiling`(failures: Int, most: Int64) {
        let longest = backoff.wait(after: failures, random: .max)
        #expect(longest <= .milliseconds(most))
        #expect(longest > .milliseconds(most) - .microseconds(1))
    }

    @Test func `a wait lies anywhere between zero and the longest`() {
        #expect(backoff.wait(after: 1, random: 0) == .zero)
        #expect(backoff.wait(after: 1, random: 1 << 63) == .milliseconds(5))
    }

    @Test func `a ceiling below the base is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            _ = Backoff(base: .seconds(2), ceiling: .seconds(1))
        }
    }
}
