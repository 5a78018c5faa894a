/// One planned fault on its way: waits for its time, hits, waits, heals, and tells the journal.
struct Attack {
    let number: Int
    let planned: PlannedFault
    let arena: Arena
    let journal: Journal
    let tell: @Sendable (String) -> Void

    /// Heals in any case. Returns why it could not be done.
    func run(from begin: ContinuousClock.Instant) async -> ChaosError? {
        try? await Task.sleep(until: begin + .milliseconds(planned.at.count), clock: .continuous)
        if Task.isCancelled { return ChaosError(.interrupted, "interrupted: all faults were healed") }
        do throws(ChaosError) {
            let (fault, names) = try await arena.prepare(planned)
            let partitions = await arena.partitions(touchedBy: names)
            tell("  \(planned.nemesis.rawValue): \(names.joined(separator: ", "))")
            journal.write(opening(names, partitions))
            return await strike(fault)
        } catch {
            journal.write(journal.record("failure").adding("message", error.message))
            return error
        }
    }

    private func strike(_ fault: any Fault) async -> ChaosError? {
        let begin = ContinuousClock.now
        do throws(ChaosError) {
            try await fault.inject()
        } catch {
            await fault.heal()
            journal.write(journal.record("failure").adding("message", error.message))
            return error
        }
        journal.write(journal.record("injected").adding("fault", number))
        try? await Task.sleep(until: begin + .milliseconds(planned.lasts.count), clock: .continuous)
        let evidence = await fault.evidence()
        journal.write(journal.record("healing").adding("fault", number))
        await fault.heal()
        journal.write(
            journal.record("healed").adding("fault", number).adding("felt", evidence.isFelt)
                .adding("evidence", evidence.text))
        tell("  \(planned.nemesis.rawValue) healed: \(evidence.text)")
        return nil
    }

    private func opening(_ names: [String], _ partitions: [Int]) -> Record {
        let record = journal.record("fault").adding("fault", number)
            .adding("nemesis", planned.nemesis.rawValue)
            .adding("targets", names.joined(separator: " ")).adding("partitions", partitions)
            .adding("expect", planned.expect.rawValue)
            .adding("expect_from", planned.expectFrom.map { Int64($0.count) * 1_000 })
            .adding("from_healing", planned.recoversFromHealing)
            .adding("recovery", planned.recovery.map { Int64($0.count) * 1_000 })
        return planned.link.map { record.adding("link", $0.rawValue) } ?? record
    }
}
