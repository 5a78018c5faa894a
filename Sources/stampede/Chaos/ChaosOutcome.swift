import Chaos

/// What became of all episodes.
struct ChaosOutcome: Sendable {
    private var verdicts: [Verdict] = []
    private var unplayed: [(plan: String, seed: UInt64, why: String)] = []

    mutating func add(_ verdict: Verdict) { verdicts.append(verdict) }
    mutating func addUnplayed(_ plan: String, _ seed: UInt64, _ why: String) {
        unplayed.append((plan, seed, why))
    }

    var text: String {
        var table = Table([
            ("PLAN", .left), ("SEED", .right), ("VERDICT", .left), ("CHECKED", .right), ("ORDERS", .right),
            ("UNKNOWN", .right), ("FAULTS", .right),
        ])
        for verdict in verdicts {
            table.add([
                verdict.plan, "\(verdict.seed)", verdict.word,
                verdict.rows.reduce(0) { $0 + $1.checked }.grouped, verdict.orders.grouped,
                verdict.unknown.grouped, "\(verdict.faults.count)",
            ])
        }
        for episode in unplayed {
            table.add([episode.plan, "\(episode.seed)", "not played", "0", "0", "0", "0"])
        }
        let violations = verdicts.reduce(0) { $0 + $1.violations }
        let episodes = (verdicts.count + unplayed.count).counted("episode")
        return "\(table.text)\n\(episodes), \(violations.counted("violation"))"
    }

    /// A broken promise counts for more than an episode that proves nothing.
    var failure: Failure? {
        let broken = verdicts.filter { $0.violations > 0 }
        if let first = broken.first {
            return Failure(
                .refused,
                "a promise was broken in \(broken.count.counted("episode")): play it again with "
                    + "`stampede chaos --plan \(first.plan) --seed \(first.seed) --keep`")
        }
        if let first = unplayed.first {
            return Failure(.unknown, "\(first.plan) could not be played: \(first.why)")
        }
        if let first = verdicts.first(where: { !$0.isValid }) {
            return Failure(.unknown, "\(first.plan) proves nothing: \(first.invalid.joined(separator: "; "))")
        }
        return nil
    }
}

extension Verdict {
    var word: String { violations > 0 ? "BROKEN" : isValid ? "kept" : "invalid" }
}
