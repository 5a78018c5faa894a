import Client
import Cluster
import Sales
import Wire

/// The phases of an episode whose cluster runs.
struct Run {
    let episode: Episode
    let arena: Arena
    let caller: Caller
    let journal: Journal

    private var plan: Plan { episode.plan }

    func play() async throws(ChaosError) {
        guard await arena.awaitOwners(atMost: .seconds(60)) else {
            throw ChaosError(.cluster, "not every partition has an owner: see \(episode.folder)/logs")
        }
        try await createSales()
        let runner = LoadRunner()
        let traffic = Traffic(plan, shop: arena.shop, seed: episode.seed)
        let load = Task { await runner.run(traffic, caller) }
        let clock = Task { await tellTime() }
        let faults = await underLoad()
        runner.stop()
        await load.value
        clock.cancel()
        await clock.value
        try faults.get()
        try await quiesce()
    }

    private func createSales() async throws(ChaosError) {
        for shelf in arena.shop.all {
            do throws(CallError) {
                _ = try await caller.create(shelf)
            } catch {
                throw ChaosError(.cluster, "the sale “\(shelf.name)” was not created: \(error.message)")
            }
        }
    }

    /// Clean load, the faults, healing, and load again.
    private func underLoad() async -> Result<Void, ChaosError> {
        enter("clean")
        await pause(plan.clean)
        enter("faults")
        let begin = ContinuousClock.now
        let result = await withTaskGroup(of: ChaosError?.self) { group in
            for (index, fault) in plan.faults.enumerated() {
                let attack = Attack(
                    number: index + 1, planned: fault, arena: arena, journal: journal, tell: episode.tell)
                group.addTask { await attack.run(from: begin) }
            }
            var first: ChaosError?
            for await error in group { first = first ?? error }
            return first
        }
        enter("healed")
        arena.hub.heal()
        if let result { return .failure(result) }
        await pause(plan.after)
        if Task.isCancelled {
            return .failure(ChaosError(.interrupted, "interrupted: all faults were healed"))
        }
        return .success(())
    }

    private func quiesce() async throws(ChaosError) {
        enter("quiet")
        guard await arena.awaitOwners(atMost: .seconds(30)) else {
            journal.write(journal.record("failure").adding("message", "no owner 30 s after healing"))
            throw ChaosError(
                .cluster, "partitions have no owner 30 s after healing: see \(episode.folder)/logs")
        }
        let quiescence = Quiescence(caller: caller, shop: arena.shop)
        let open = await quiescence.settle()
        journal.write(journal.record("settled").adding("open", open))
        enter("drain")
        for shelf in arena.shop.all where shelf.closesAfter == nil {
            // Whatever the load did last, it is open now.
            let opening = ChangeSale(sale: shelf.sale, key: .random(), change: .open)
            await caller.change(opening, CallOptions(deadline: .seconds(5), maximumAttempts: 15), journal.now)
            await quiescence.drain(shelf)
        }
        enter("export")
        try await Export(folder: episode.results, dsn: arena.cluster.ledgerDSN).run()
        enter("end")
    }

    private func enter(_ phase: String) {
        journal.write(journal.record("phase").adding("name", phase))
        journal.sync()
    }

    private func pause(_ time: Milliseconds) async {
        try? await Task.sleep(for: .milliseconds(time.count))
    }

    /// The machine's wall clock beside the journal's, once a second, and the journal to the disk.
    private func tellTime() async {
        while !Task.isCancelled {
            journal.write(journal.record("clock").adding("wall", Journal.wall))
            journal.sync()
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
