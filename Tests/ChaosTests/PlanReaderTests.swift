import Testing

@testable import Chaos

@Suite struct PlanReaderTests {
    private func read(_ text: String) throws -> Plan { try PlanReader.read(text, file: "x.yaml") }

    @Test func `a plan says everything or only its name and its faults`() throws {
        let plan = try read(
            """
            name: everything
            about: A test.
            brokers: 1
            workers: 5
            redis: 3
            partitions: 32
            lease-ttl: 1s
            on-quorum-loss: refuse
            rate: 700
            clean: 7s
            after: 2s
            faults:
              - nemesis: cut
                link: worker-redis
                direction: answers
                target: worker-2
                at: 1500ms
                for: 1m
                expect: refusals
                expect-from: 2s
                recovery: 4s
                recovery-from: healing
            """)
        #expect(plan.brokers == 1 && plan.workers == 5 && plan.redis == 3 && plan.partitions == 32)
        #expect(plan.leaseTTL == Milliseconds(1_000) && plan.onQuorumLoss == "refuse" && plan.rate == 700)
        var fault = PlannedFault(.cut, .number(.worker, 2))
        fault.link = .workerRedis
        fault.direction = .answers
        fault.at = Milliseconds(1_500)
        fault.lasts = Milliseconds(60_000)
        fault.expect = .refusals
        fault.expectFrom = Milliseconds(2_000)
        fault.recovery = Milliseconds(4_000)
        fault.recoversFromHealing = true
        #expect(plan.faults == [fault])
        #expect(plan.length == Milliseconds(7_000 + 61_500 + 2_000))

        let short = try read("name: short\nfaults:\n  - nemesis: kill\n")
        #expect(short.faults == [PlannedFault(.kill, .owner)])
        #expect(short.clean >= Milliseconds(5_000))
    }

    @Test(arguments: [
        ("name: x\nfaults:\n  - nemesis: kil\n", 3, "‘nemesis’ is ‘kil’: choose one of kill, pause"),
        ("name: x\nfaults:\n  - nemesis: kill\n    taget: owner\n", 4, "no setting ‘taget’"),
        ("name: x\nfaults:\n  - nemesis: kill\n    target: everybody\n", 4, "‘everybody’ is no target"),
        ("name: x\nfaults:\n  - nemesis: kill\n    for: 5\n", 4, "a time with its unit"),
        ("name: x\nfaults:\n  - nemesis: cut\n    target: owner\n", 3, "needs ‘link’"),
        ("name: x\nfaults:\n  - nemesis: pause\n", 3, "needs ‘for’"),
        ("name: x\nfaults:\n  - nemesis: clock\n", 3, "needs ‘amount’"),
        ("name: x\nfaults:\n  - nemesis: kill\n    expect-from: 1s\n", 4, "from when on ‘expect’ is sales"),
        ("name: x\nclean: 1s\n", 2, "from 5000ms to 600000ms"),
        ("name: x\nworkers: many\n", 2, "a number from 1 to 16"),
        ("name: x\nfaults: kill\n", 2, "is a list"),
        ("about: x\n", 1, "needs ‘name’"),
        ("name: ../x\n", 1, "letters, digits and hyphens"),
        ("name: [x\n", 2, "no YAML"),
    ])
    func `a mistake is told with its line and what to do`(text: String, line: Int, message: String) throws {
        let error = #expect(throws: PlanError.self) { try read(text) }
        #expect(error?.line == line)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.description.hasPrefix("x.yaml, line \(line): ") == true)
    }

    @Test(arguments: [
        ("owner", Target.owner), ("worker", .any(.worker)), ("redis-3", .number(.redis, 3)),
        ("postgres", .number(.postgres, 1)), ("client", .number(.client, 1)), ("all workers", .all(.worker)),
        ("a minority of redis", .minority(.redis)), ("a majority of workers", .majority(.worker)),
    ])
    func `a target is named as people name it`(text: String, target: Target) {
        #expect(Target(text) == target)
    }

    @Test(arguments: ["", "worker-0", "worker-x", "some workers", "all", "a few of redis", "a majority of x"])
    func `what is no target is refused`(text: String) {
        #expect(Target(text) == nil)
    }
}
