import Testing
import Wire

@testable import Redlock

@Suite struct `Extension attempt` {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let end = start + .milliseconds(988)
    private static let other = Vote.held(remaining: nil)

    @Test(
        "The votes decide what became of the lease",
        arguments: [
            ([.yes, .yes, .yes], .extended(until: end)),
            ([.missing, .yes, other, .yes, .yes], .extended(until: end)),
            // A node that lost the key does not count, even though it will get it again.
            ([.yes, .yes, .missing, .missing, .missing], .vanished),
            ([.missing, .missing, .missing], .vanished),
            ([.yes, .yes, other, .missing, .missing], .taken),
            ([other, .timedOut, .timedOut], .taken),
            ([.failed, .failed, .failed], .noQuorum),
            ([.missing, .timedOut, .timedOut, .yes, .yes], .noQuorum),
            ([.missing, .missing, .timedOut, .missing], .vanished),
        ] as [([Vote], Extension.Decision)])
    func decides(votes: [Vote], expected: Extension.Decision) {
        var election = Extension(nodes: 5, ttl: .seconds(1), start: Self.start)
        for (node, vote) in votes.enumerated() {
            _ = election.record(vote, of: node, at: Self.start + .milliseconds(1))
        }
        #expect(election.decision == expected)
        #expect(election.mayRepair == (expected == .extended(until: Self.end)))
    }

    @Test func `a quorum after the new end is none`() {
        var election = Extension(nodes: 1, ttl: .seconds(1), start: Self.start)
        #expect(election.record(.yes, of: 0, at: Self.end) == .counted(.noQuorum))
        #expect(!election.mayRepair)
    }

    @Test func `a vote after the decision changes nothing`() {
        var election = Extension(nodes: 3, ttl: .seconds(1), start: Self.start)
        _ = election.record(.missing, of: 0, at: Self.start)
        #expect(election.record(.missing, of: 1, at: Self.start) == .counted(.vanished))
        #expect(election.record(.yes, of: 2, at: Self.start) == .counted(nil))
        #expect(election.decision == .vanished)
    }
}
