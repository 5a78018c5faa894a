import Wire
import ZeroMQ

/// One election under way: its claim, its votes so far, and who waits for the outcome. Ends, at the latest,
/// with its deadline.
final class Attempt<Choice: Election> {
    let claim: Claim
    var election: Choice
    /// Nodes that were sent the claim, and so may have the key.
    var asked: Set<Int> = []
    /// Set when the claim was released while votes were outstanding: nothing may bring the key back.
    var isWithdrawn = false
    /// The deadline.
    var timer: EventLoop.TimerID?
    /// Called when every node has voted or was given up.
    var onEnd: (() -> Void)?
    private let decided: (Attempt, Choice.Decision) -> Void

    init(_ claim: Claim, _ election: Choice, _ decided: @escaping (Attempt, Choice.Decision) -> Void) {
        self.claim = claim
        self.election = election
        self.decided = decided
    }

    func decide(_ decision: Choice.Decision) { decided(self, decision) }

    func end(on loop: EventLoop) {
        if let timer { loop.cancel(timer) }
        onEnd?()
        onEnd = nil
    }
}
