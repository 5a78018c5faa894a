import Testing

@testable import Cluster

@Suite struct BackoffTests {
    @Test(arguments: [
        (deaths: 1, ceiling: Duration.milliseconds(100)), (2, .milliseconds(200)), (6, .milliseconds(3_200)),
        (7, .seconds(5)), (1_000, .seconds(5)),
    ])
    func `the ceiling doubles up to five seconds`(deaths: Int, ceiling: Duration) {
        var backoff = Backoff()
        for _ in 1..<deaths { _ = backoff.death(after: .zero, random: 0.5) }
        #expect(backoff.death(after: .zero, random: 1) == ceiling)
        #expect(backoff.deaths == deaths)
    }

    @Test func `the pause may be as short as nothing`() {
        var backoff = Backoff()
        #expect(backoff.death(after: .zero, random: 0) == .zero)
    }

    @Test func `ten healthy seconds begin a new row`() {
        var backoff = Backoff()
        for _ in 1...8 { _ = backoff.death(after: .milliseconds(9_999), random: 1) }
        #expect(backoff.deaths == 8)
        #expect(backoff.death(after: .seconds(10), random: 1) == .milliseconds(100))
        #expect(backoff.deaths == 1)
    }
}
