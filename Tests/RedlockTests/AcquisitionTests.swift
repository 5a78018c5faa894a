import Testing
import Wire

@testable import Redlock

@Suite struct `Acquisition attempt` {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let ttl = TimeAmount.seconds(1)
    /// 1 s less 1 % and 2 ms.
    private static let end = start + .milliseconds(988)

    /// Feeds votes of nodes 0, 1, 2… and returns the one decision with the number of votes it took.
    private func decide(
        nodes: Int, _ votes: [Vote], after elapsed: TimeAmount = .milliseconds(5)
    ) -> (Acquisition.Decision, votes: Int)? {
        var acquisition = Acquisition(nodes: nodes, ttl: Self.ttl, start: Self.start)
        var result: (Acquisition.Decision, votes: Int)?
        for (node, vote) in votes.enumerated() {
            guard case .counted(let decision?) = acquisition.record(vote, of: node, at: Self.start + elapsed)
            else { continue }
            #expect(result == nil, "decided twice")
            result = (decision, votes: node + 1)
        }
        return result
    }

    private static let no = Vote.held(remaining: nil)

    @Test(arguments: [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
    func `it is won with the first majority of the configured nodes`(nodes: Int, quorum: Int) throws {
        let (decision, votes) = try #require(decide(nodes: nodes, Array(repeating: .yes, count: nodes)))
        #expect(decision == .won(until: Self.end))
        #expect(votes == quorum)
    }

    @Test func `votes of nodes that are away do not make a smaller quorum`() throws {
        let (decision, votes) = try #require(decide(nodes: 5, [.yes, .yes, .failed, .failed, .failed]))
        #expect(decision == .noQuorum)
        #expect(votes == 5)
    }

    @Test func `it is lost as soon as the outstanding votes cannot win it`() throws {
        #expect(
            try #require(decide(nodes: 5, [Self.no, Self.no, Self.no, .yes, .yes])) == (
                .held(retryAfter: nil), 3
            ))
        #expect(try #require(decide(nodes: 5, [.failed, .timedOut, .failed, .yes, .yes])) == (.noQuorum, 3))
        #expect(
            try #require(decide(nodes: 5, [.yes, .yes, .failed, Self.no, Self.no])) == (
                .held(retryAfter: nil), 5
            ))
    }

    @Test func `a tie of an even number of nodes ends`() throws {
        #expect(
            try #require(decide(nodes: 4, [.yes, Self.no, .yes, Self.no])) == (.held(retryAfter: nil), 4))
        #expect(try #require(decide(nodes: 2, [.yes, .failed])) == (.noQuorum, 2))
    }

    @Test func `a quorum that came too late for its own drift is none`() throws {
        let last = Self.end - .nanoseconds(1) - Self.start
        #expect(try #require(decide(nodes: 3, [.yes, .yes], after: last)).0 == .won(until: Self.end))
        #expect(try #require(decide(nodes: 3, [.yes, .yes], after: Self.end - Self.start)).0 == .noQuorum)
    }

    @Test func `the holder's time is told when a majority told it`() throws {
        let votes = [30, 10, 20].map { Vote.held(remaining: .milliseconds($0)) }
        // Three of five are needed: all three that are held.
        #expect(try #require(decide(nodes: 5, votes)).0 == .held(retryAfter: .milliseconds(30)))
        // With two of our own, one more is enough.
        #expect(
            try #require(decide(nodes: 5, [.yes, .yes] + votes)).0 == .held(retryAfter: .milliseconds(10)))
        // A split vote: nobody need have won, so there is nothing to wait for.
        let split = [Vote.yes, .yes, votes[0], votes[1], .failed]
        #expect(try #require(decide(nodes: 5, split)).0 == .held(retryAfter: nil))
    }

    @Test func `a node votes once`() {
        var acquisition = Acquisition(nodes: 3, ttl: Self.ttl, start: Self.start)
        #expect(acquisition.record(.yes, of: 0, at: Self.start) == .counted(nil))
        #expect(acquisition.record(.yes, of: 0, at: Self.start) == .late)
        #expect(acquisition.ballot.yes == 1)
        #expect(acquisition.record(.timedOut, of: 1, at: Self.start) == .counted(nil))
        #expect(acquisition.record(.timedOut, of: 2, at: Self.start) == .counted(.noQuorum))
        #expect(acquisition.record(.yes, of: 1, at: Self.start) == .late)
        #expect(acquisition.decision == .noQuorum)
    }

    @Test func `drift is one per cent and two milliseconds`() {
        #expect(Validity.drift(of: .seconds(10)) == .milliseconds(102))
        #expect(Validity.amnesia(longestTTL: .seconds(10)) == .milliseconds(11_102))
    }
}
