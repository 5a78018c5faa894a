import PlantedBugs

/// Runs scenarios. Each run stands alone: several may run at the same time in different threads.
package enum Simulation {
    /// - Parameter journal: Is given a line for everything worth telling.
    package static func run(_ scenario: Scenario, journal: ((String) -> Void)? = nil) -> Outcome {
        World(scenario, journal: journal).run()
    }

    /// Makes a failing scenario small: leaves out whatever the failure does not need.
    ///
    /// - Parameters:
    ///   - tries: How many runs it may take at most.
    ///   - isStillFailing: By default any violation counts of a promise that the original broke.
    package static func shrink(_ scenario: Scenario, tries: Int = 600) -> Scenario {
        let broken = run(scenario).promises
        var shrinker = Shrinker(scenario, tries: tries) { !run($0).promises.isDisjoint(with: broken) }
        return shrinker.shrunk()
    }
}

/// Delta debugging (Zeller and Hildebrandt, IEEE TSE 28, 2002) over a scenario's lists, then over its numbers.
struct Shrinker {
    private var best: Scenario
    private var triesLeft: Int
    private let isFailing: (Scenario) -> Bool

    init(_ scenario: Scenario, tries: Int, _ isFailing: @escaping (Scenario) -> Bool) {
        best = scenario
        triesLeft = tries
        self.isFailing = isFailing
    }

    mutating func shrunk() -> Scenario {
        var before: Scenario
        repeat {
            before = best
            shrinkList(\.faults)
            shrinkList(\.jobs)
            simplify()
        } while best != before && triesLeft > 0
        return best
    }

    private mutating func accept(_ candidate: Scenario) -> Bool {
        guard triesLeft > 0, candidate != best else { return false }
        triesLeft -= 1
        guard isFailing(candidate) else { return false }
        best = candidate
        return true
    }

    private mutating func shrinkList<Element>(_ list: WritableKeyPath<Scenario, [Element]>) {
        var size = max(1, best[keyPath: list].count / 2)
        while size >= 1, triesLeft > 0 {
            var start = 0
            while start < best[keyPath: list].count, triesLeft > 0 {
                var candidate = best
                let end = min(start + size, candidate[keyPath: list].count)
                candidate[keyPath: list].removeSubrange(start..<end)
                if !accept(candidate) { start += size }
            }
            size /= 2
        }
    }

    private mutating func simplify() {
        let simpler: [(inout Scenario) -> Void] = [
            { $0.brokers = 1 }, { $0.clients = 1 }, { $0.workers = max(1, $0.workers - 1) },
            { $0.partitions = 1 }, { $0.slowMessages = 0 }, { $0.lostCommits = 0 }, { $0.opensAfter = 0 },
            { $0.closesAfter = 0 }, { $0.healsCoreOnly = false }, { $0.maximumEntries = 4_096 },
            { $0.turbulence = max(500, $0.turbulence / 2) }, { $0.refusesOnQuorumLoss = false },
        ]
        for step in simpler {
            var candidate = best
            step(&candidate)
            _ = accept(candidate)
        }
    }
}
