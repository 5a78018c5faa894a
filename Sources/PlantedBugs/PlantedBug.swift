/// Mistakes that others have made, kept as variants of the code so that simulation and chaos can prove that they
/// would see them (the "Brown M&Ms" of Antithesis' work on etcd).
///
/// They exist only in builds with the package trait `PlantedBugs`; in all others `isPlanted` is a constant `false`
/// that costs nothing. One bug is planted at a time.
public enum PlantedBug: String, CaseIterable, Sendable {
    // The ledger's functions, as the simulator models them.
    /// A commit does not look at its fence.
    case noFenceCheck = "no-fence-check"
    /// A commit takes any fence that was ever given: `>=` for `=`.
    case anyOldFence = "any-old-fence"
    /// A batch that is not the owner's is skipped in silence where the transaction should fail.
    case conditionalWrite = "conditional-write"
    /// The fence and the partition's position come from one statement, which saw the position before it waited.
    case fenceAndStateAtOnce = "fence-and-state-at-once"

    // Worker.
    /// An answer leaves when it is decided, not when it has committed.
    case answerBeforeCommit = "answer-before-commit"
    /// A no leaves although it rests on a yes that has not committed.
    case noOnUncommittedYes = "no-on-uncommitted-yes"
    /// A commit whose answer was lost is reported as not executed.
    case lostCommitIsFailure = "lost-commit-is-failure"
    /// A batch whose commit's answer was lost is decided and sent again, under the same fence.
    case resendAfterLostCommit = "resend-after-lost-commit"
    /// After an unknown outcome the batch number is not looked at: what committed is decided again.
    case forgetBatchNumber = "forget-batch-number"
    /// A refusal needs no recent look at the fence.
    case staleRefusal = "stale-refusal"
    /// The ledger's clock is taken to be what it was when the answer came, as if that had taken no time.
    case clockWithoutError = "clock-without-error"
    /// A gate closes when the last unit is promised, not when that has committed.
    case gateBeforeCommit = "gate-before-commit"
    /// A partition is served while its book is still being loaded.
    case serveBeforeLoaded = "serve-before-loaded"
    /// The book is what it was when the partition was last owned here.
    case keepOldBook = "keep-old-book"

    // Book.
    /// The buyer's limit is judged by what has committed only.
    case limitOutsideDecision = "limit-outside-decision"
    /// A request key is looked for only among what has committed.
    case keyOutsideDecision = "key-outside-decision"
    /// The window is judged by the middle of the estimate of the ledger's clock, however uncertain.
    case windowByGuess = "window-by-guess"
    /// Whoever asks outright is served although others wait.
    case waitersOvertaken = "waiters-overtaken"
    /// What comes back goes to the last in line who fits.
    case lastInLine = "last-in-line"

    // Redlock.
    /// Two of five make a quorum.
    case quorumOfTwo = "quorum-of-two"
    /// A lease is released without looking whose it is.
    case unlockWithoutCompare = "unlock-without-compare"
    /// A node that restarted empty votes at once.
    case noDelayedRestart = "no-delayed-restart"
    /// A lease's validity is reckoned by a clock that is stepped.
    case validityByWallClock = "validity-by-wall-clock"

    // Broker.
    /// A later failure of a call that a worker had says "not executed".
    case certaintyNotSticky = "certainty-not-sticky"
    /// A gate stays closed until its worker opens it.
    case gateWithoutLease = "gate-without-lease"
    /// An answer is taken from whoever sends it, also from a worker that the call was taken from.
    case anyAnswerCounts = "any-answer-counts"

    /// What it changes is a model of the simulator's: the real SQL and Lua do not have it.
    public var isInModelOnly: Bool {
        switch self {
        case .noFenceCheck, .anyOldFence, .conditionalWrite, .fenceAndStateAtOnce, .unlockWithoutCompare,
            .validityByWallClock:
            true
        default:
            false
        }
    }
}
