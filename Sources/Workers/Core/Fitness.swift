package import Wire

/// Whether a worker may be counted on. Each change of its mind moves partitions, so it is quick to call itself unfit and,
/// after a relapse, slow to call itself fit again: the time for which all must have been well doubles with each.
package struct Fitness: Equatable {
    package private(set) var isFit = false
    /// Since when all has been well; nil while it is not.
    private var wellSince: MonotonicTime?
    /// For so long all must be well before the worker is fit again.
    private var probation = TimeAmount.zero
    private var fitSince = MonotonicTime.distantPast

    package static let firstProbation = TimeAmount.seconds(1)
    package static let longestProbation = TimeAmount.seconds(16)
    /// Relapses before a time of fitness of this length are forgiven.
    package static let forgiveness = TimeAmount.seconds(60)

    /// Called every few milliseconds.
    package mutating func judge(isWell: Bool, _ now: MonotonicTime) {
        if !isWell {
            wellSince = nil
            if isFit { relapse(now) }
            return
        }
        let since = wellSince ?? now
        wellSince = since
        guard !isFit, now - since >= probation else { return }
        isFit = true
        fitSince = now
    }

    private mutating func relapse(_ now: MonotonicTime) {
        isFit = false
        let isForgiven = probation == .zero || now - fitSince >= Fitness.forgiveness
        probation = isForgiven ? Fitness.firstProbation : min(probation * 2, Fitness.longestProbation)
    }
}

/// How often a partition was lost of late. Whoever loses one again and again asks for it ever more seldom; so do routers
/// with routes that flap (RFC 2439, "BGP Route Flap Damping").
package struct Strikes: Equatable {
    private var count = 0
    private var last = MonotonicTime.distantPast

    private static let most = 5
    /// After so long without a loss all are forgotten.
    package static let memory = TimeAmount.seconds(60)

    /// A loss.
    package mutating func add(_ now: MonotonicTime) {
        count = now - last >= Strikes.memory ? 1 : min(count + 1, Strikes.most)
        last = now
    }

    /// A pause after the last loss: `base` after the first, and twice as long after each further one.
    package func pause(_ base: TimeAmount, atMost limit: TimeAmount) -> TimeAmount {
        min(base * (1 << max(0, count - 1)), limit)
    }
}
