import ArgumentParser
import Chaos
import Cluster

struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Attack a cluster of its own under load, and judge the promises.",
        discussion: """
            Plays episodes: clean load, faults on real processes, healing, quiet, a drain of what is left, and a \
            verdict on P1 to P8 by a checker that knows only the journal of all calls and the ledger's rows. One \
            seed gives the same load and the same victims. Everything stays on this machine and in the data \
            folder, and whatever was broken is healed, also after Ctrl-C.

            Exit codes: 0 every promise was kept; 1 one was broken; 2 an episode proves nothing (too little \
            load, a fault that was not felt) or could not be played.
            """)

    @Option(
        help: ArgumentHelp(
            "A shipped plan (see --list), swarm, or a YAML file; repeat for more. (default: all shipped plans)",
            valueName: "name or file"))
    var plan: [String] = []

    @Option(help: "How many episodes; the plans are played in turn. (default: each plan once)")
    var episodes: Int?

    @Option(help: "Makes the same load and victims again. (default: a random one, printed)")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Where the clusters live, on a disk. (default: /var/tmp/stampede-chaos-UID)", valueName: "folder")
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Write a page per episode and an index there. (default: with the data)", valueName: "folder"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "What workers do when the Redis nodes make no quorum: continue or refuse. (default: as the plan says)",
            valueName: "policy"))
    var onQuorumLoss: String?

    @Flag(help: "Keep journals, ledgers and logs of all episodes. Those of a broken promise are always kept.")
    var keep = false

    @Flag(help: "List the shipped plans and do nothing.")
    var list = false

    func validate() throws {
        if let onQuorumLoss, !["continue", "refuse"].contains(onQuorumLoss) {
            throw ValidationError("--on-quorum-loss is ‘\(onQuorumLoss)’: choose continue or refuse.")
        }
        if let episodes, !(1...10_000).contains(episodes) {
            throw ValidationError("--episodes is \(episodes): give a number from 1 to 10,000.")
        }
    }

    func run() throws {
        if list {
            var table = Table([("PLAN", .left), ("WHAT IT DOES", .left)])
            for plan in ShippedPlans.all { table.add([plan.name, plan.about]) }
            table.add([
                Swarm.name, "Faults drawn from the seed, several at once; another plan for every seed.",
            ])
            Terminal.result(table.text)
            return
        }
        let plans = try chosenPlans()
        let folder = try ChaosFolder(data)
        let pages = try report.map { name throws(Failure) in try DataPath.resolve(name) }
        let season = ChaosSeason(
            plans: plans, episodes: episodes ?? plans.count,
            seed: seed ?? .random(in: 1...UInt64(UInt32.max)), folder: folder, keeps: keep, pages: pages)
        let interrupts = Interrupts()
        let outcome = try Waiting.run { try await season.play(interrupts) }
        Terminal.result(outcome.text)
        if let failure = outcome.failure { throw failure }
    }

    private func chosenPlans() throws(Failure) -> [Plan] {
        var plans: [Plan] = plan.isEmpty ? ShippedPlans.all : []
        for name in plan { plans.append(try ChaosCommand.find(name)) }
        if let onQuorumLoss { for index in plans.indices { plans[index].onQuorumLoss = onQuorumLoss } }
        return plans
    }

    private static func find(_ name: String) throws(Failure) -> Plan {
        // Drawn anew for each episode, from its seed.
        if name == Swarm.name { return Plan(name: name) }
        let found: Plan?
        do throws(PlanError) {
            found = try ShippedPlans.plan(name)
        } catch {
            throw Failure(.usage, "\(error)")
        }
        guard let found else {
            throw Failure(.usage, "‘\(name)’ is no shipped plan and no file: see `stampede chaos --list`")
        }
        return found
    }
}
