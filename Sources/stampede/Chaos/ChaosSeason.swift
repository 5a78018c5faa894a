import Chaos
import FoundationEssentials

/// Episodes played one after the other.
struct ChaosSeason: Sendable {
    let plans: [Plan]
    let episodes: Int
    let seed: UInt64
    let folder: ChaosFolder
    let keeps: Bool
    let pages: String?

    func play(_ interrupts: Interrupts) async throws -> ChaosOutcome {
        try await Leftovers.heal(in: folder.path)
        var outcome = ChaosOutcome()
        var index = ChaosIndex()
        for number in 1...episodes {
            // Each episode has a seed of its own, and can be played again alone.
            let seed = seed &+ UInt64(number - 1)
            let plan = plan(number, seed)
            Terminal.result("Episode \(number) of \(episodes): \(plan.name), seed \(seed)")
            guard let verdict = try await play(number, plan, seed, &outcome, interrupts) else { continue }
            index.add(number, verdict, page: page(number, plan))
            try? index.html.write(toFile: "\(reports)/index.html", atomically: true, encoding: .utf8)
        }
        Terminal.result("Pages: \(reports)/index.html")
        return outcome
    }

    /// One that proves nothing, for example because the machine was busy with something else, is played again.
    private static let attempts = 3

    /// Nil when it could not be played.
    private func play(
        _ number: Int, _ plan: Plan, _ seed: UInt64, _ outcome: inout ChaosOutcome, _ interrupts: Interrupts
    ) async throws -> Verdict? {
        for attempt in 1...Self.attempts {
            folder.remove(number)
            let episode = Episode(plan: plan, seed: seed, folder: folder.episode(number)) {
                Terminal.result($0)
            }
            do {
                let verdict = try await interrupts.cancelling { () async throws -> Verdict in
                    try await episode.play()
                    return try await Verdict.judge(episode)
                }
                Terminal.result(ChaosText.verdict(verdict))
                if !verdict.isValid, verdict.violations == 0, attempt < Self.attempts {
                    Terminal.result("  proves nothing: played again")
                    continue
                }
                outcome.add(verdict)
                keepOrRemove(number, episode, verdict)
                return verdict
            } catch let error as ChaosError {
                if interrupts.isRaised { throw Failure(.interrupted, "interrupted: all faults were healed") }
                outcome.addUnplayed(plan.name, seed, error.message)
                Terminal.result("  not played: \(error.message)")
                return nil
            }
        }
        return nil
    }

    private var reports: String { pages ?? "\(folder.path)/report" }

    private func page(_ number: Int, _ plan: Plan) -> String { "\(number)-\(plan.name).html" }

    private func plan(_ number: Int, _ seed: UInt64) -> Plan {
        let plan = plans[(number - 1) % plans.count]
        guard plan.name == Swarm.name else { return plan }
        var drawn = Swarm.plan(seed: seed)
        drawn.onQuorumLoss = plan.onQuorumLoss
        return drawn
    }

    private func keepOrRemove(_ number: Int, _ episode: Episode, _ verdict: Verdict) {
        let page = "\(reports)/\(page(number, episode.plan))"
        try? FileManager.default.createDirectory(atPath: reports, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: page)
        try? FileManager.default.copyItem(atPath: "\(episode.results)/page.html", toPath: page)
        if keeps || verdict.violations > 0 || !verdict.isValid {
            Terminal.result("  data: \(episode.folder)")
        } else {
            folder.remove(number)
        }
    }
}
