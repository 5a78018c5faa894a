import Resilience

/// A plan that nobody wrote: faults of many kinds at once, drawn from a seed.
///
/// Each kind is left out of half of the plans: faults hide each other, and a plan without some finds what a plan with
/// all of them does not (Groce et al., Swarm Testing, ISSTA 2012).
public enum Swarm {
    public static let name = "swarm"

    /// The faults fall into this time; some last beyond.
    private static let span = 20_000
    private static let most = 8

    public static func plan(seed: UInt64) -> Plan {
        var random = SplitMix64(seed: seed ^ 0x53_7761_726d)
        var plan = Plan(name: name)
        plan.about = "Faults drawn from the seed, several at once."
        plan.after = Milliseconds(10_000)
        let kinds = kinds.filter { _ in Bool.random(using: &random) }
        guard !kinds.isEmpty else { return Swarm.plan(seed: SplitMix64.scatter(seed)) }
        for _ in 0..<Int.random(in: 3...most, using: &random) {
            var fault = kinds[Int.random(in: kinds.indices, using: &random)]
            fault.at = Milliseconds(.random(in: 0...span, using: &random))
            let lasts = [500, 1_500, 3_000, 6_000]
            fault.lasts = Milliseconds(lasts[Int.random(in: lasts.indices, using: &random)])
            plan.faults.append(fault)
        }
        plan.faults.sort { $0.at < $1.at }
        return plan
    }

    private static let kinds: [PlannedFault] = {
        func cut(_ link: Link, _ target: Target, _ direction: Direction) -> PlannedFault {
            var fault = PlannedFault(.cut, target)
            fault.link = link
            fault.direction = direction
            return fault
        }
        func delay(_ link: Link, _ target: Target, _ amount: Int) -> PlannedFault {
            var fault = PlannedFault(.delay, target)
            fault.link = link
            fault.amount = Milliseconds(amount)
            return fault
        }
        func reset(_ link: Link, _ target: Target) -> PlannedFault {
            var fault = PlannedFault(.reset, target)
            fault.link = link
            return fault
        }
        func clock(_ target: Target, _ amount: Int, _ clock: ClockKind) -> PlannedFault {
            var fault = PlannedFault(.clock, target)
            fault.amount = Milliseconds(amount)
            fault.clock = clock
            return fault
        }
        return [
            PlannedFault(.kill, .any(.worker)), PlannedFault(.kill, .majority(.worker)),
            PlannedFault(.kill, .any(.broker)), PlannedFault(.kill, .minority(.redis)),
            PlannedFault(.kill, .majority(.redis)), PlannedFault(.pause, .any(.worker)),
            PlannedFault(.pause, .any(.broker)), PlannedFault(.pause, .any(.redis)),
            PlannedFault(.starve, .any(.worker)), PlannedFault(.postgresStop, .number(.postgres, 1)),
            PlannedFault(.pause, .number(.postgres, 1)), PlannedFault(.redisFlush, .majority(.redis)),
            PlannedFault(.redisWipe, .majority(.redis)), PlannedFault(.redisForge, .majority(.redis)),
            PlannedFault(.redisExtend, .majority(.redis)), PlannedFault(.drain, .any(.worker)),
            cut(.workerRedis, .any(.worker), .both), cut(.workerRedis, .majority(.redis), .answers),
            cut(.workerPostgres, .any(.worker), .answers), cut(.workerPostgres, .any(.worker), .requests),
            cut(.workerBroker, .any(.worker), .both), cut(.workerBroker, .any(.broker), .answers),
            cut(.clientBroker, .any(.broker), .both), cut(.clientBroker, .any(.broker), .answers),
            delay(.workerPostgres, .any(.worker), 50), delay(.workerBroker, .all(.worker), 20),
            reset(.workerPostgres, .all(.worker)), reset(.workerBroker, .all(.worker)),
            reset(.clientBroker, .number(.client, 1)),
            clock(.majority(.redis), 288_000, .wall), clock(.minority(.redis), -288_000, .wall),
            clock(.any(.worker), -30_000, .wall), clock(.any(.worker), 1_000, .monotonic),
        ]
    }()
}
