import Yams

/// Reads a plan from YAML. Every mistake is told with its line.
struct PlanReader {
    let file: String

    static func read(_ text: String, file: String) throws(PlanError) -> Plan {
        try PlanReader(file: file).read(text)
    }

    private func read(_ text: String) throws(PlanError) -> Plan {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw PlanError(
                file: file, line: error.line, message: "this is no YAML: mend the indentation and quotes")
        } catch {
            throw PlanError(file: file, line: nil, message: "this is no YAML (\(error))")
        }
        guard let root else {
            throw PlanError(file: file, line: nil, message: "the plan is empty: name and faults")
        }
        var map = try PlanMap(root, "a plan", file)
        var plan = Plan(name: try map.text("name") ?? "")
        guard !plan.name.isEmpty else { throw map.missing("name") }
        guard plan.name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
            throw PlanError(
                file: file, line: map.line(of: "name"),
                message: "‘\(plan.name)’ names files: write letters, digits and hyphens")
        }
        plan.about = try map.text("about") ?? ""
        plan.brokers = try map.integer("brokers", in: 1...8) ?? plan.brokers
        plan.workers = try map.integer("workers", in: 1...16) ?? plan.workers
        plan.redis = try map.integer("redis", in: 1...9) ?? plan.redis
        plan.partitions = try map.integer("partitions", in: 8...256) ?? plan.partitions
        plan.leaseTTL = try map.time("lease-ttl", in: 300...60_000) ?? plan.leaseTTL
        plan.onQuorumLoss =
            try map.choice("on-quorum-loss", QuorumLoss.self)?.rawValue ?? plan.onQuorumLoss
        plan.rate = try map.integer("rate", in: 1...20_000) ?? plan.rate
        plan.clean = try map.time("clean", in: 5_000...600_000) ?? plan.clean
        plan.after = try map.time("after", in: 1_000...600_000) ?? plan.after
        for node in try map.list("faults") { plan.faults.append(try fault(node)) }
        try map.end()
        return plan
    }

    private func fault(_ node: Node) throws(PlanError) -> PlannedFault {
        var map = try PlanMap(node, "a fault", file)
        guard let nemesis = try map.choice("nemesis", Nemesis.self) else { throw map.missing("nemesis") }
        var fault = PlannedFault(nemesis, try target(&map) ?? PlanReader.usualTarget(nemesis))
        fault.at = try map.time("at", in: 0...3_600_000) ?? fault.at
        fault.lasts = try map.time("for", in: 0...3_600_000) ?? fault.lasts
        fault.link = try map.choice("link", Link.self)
        fault.direction = try map.choice("direction", Direction.self) ?? fault.direction
        fault.amount = try map.time("amount", in: -86_400_000...86_400_000) ?? fault.amount
        fault.clock = try map.choice("clock", ClockKind.self) ?? fault.clock
        fault.disk = try map.choice("disk", DiskTrouble.self) ?? fault.disk
        fault.commits = try map.bool("commits") ?? fault.commits
        fault.expect = try map.choice("expect", Expectation.self) ?? fault.expect
        fault.expectFrom = try map.time("expect-from", in: 0...600_000)
        fault.recovery = try map.time("recovery", in: 1...600_000)
        fault.recoversFromHealing = try map.choice("recovery-from", Beginning.self) == .healing
        try map.end()
        try check(fault, map)
        return fault
    }

    private func check(_ fault: PlannedFault, _ map: PlanMap) throws(PlanError) {
        if fault.expectFrom != nil, [.promises, .noFailures].contains(fault.expect) {
            throw PlanError(
                file: file, line: map.line(of: "expect-from"),
                message: "‘expect-from’ says from when on ‘expect’ is sales, refusals or fast-refusals")
        }
        switch fault.nemesis {
        case .cut, .delay, .reset:
            guard fault.link != nil else { throw map.missing("link") }
            if fault.nemesis == .delay, fault.amount.count <= 0 { throw map.missing("amount") }
        case .clock:
            if fault.amount.count == 0 { throw map.missing("amount") }
        case .pause, .starve, .pauseInCommit:
            if fault.lasts.count == 0 { throw map.missing("for") }
        default: break
        }
    }

    private func target(_ map: inout PlanMap) throws(PlanError) -> Target? {
        let line = map.line(of: "target")
        guard let text = try map.text("target") else { return nil }
        guard let target = Target(text) else {
            throw PlanError(
                file: file, line: line,
                message: "‘\(text)’ is no target: write owner, worker, worker-2, all workers, "
                    + "a minority of redis or a majority of redis")
        }
        return target
    }

    /// Whom a fault hits that names nobody.
    private static func usualTarget(_ nemesis: Nemesis) -> Target {
        switch nemesis {
        case .redisWipe, .redisFlush, .redisForge, .redisExtend: .majority(.redis)
        case .postgresStop, .disk: .number(.postgres, 1)
        case .rollingRestart, .join: .all(.worker)
        default: .owner
        }
    }

    private enum Beginning: String, CaseIterable { case fault, healing }
    private enum QuorumLoss: String, CaseIterable { case `continue`, refuse }
}

extension Target {
    /// `owner`, `worker`, `worker-2`, `all workers`, `a minority of redis`, `a majority of redis`.
    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        func kind(_ word: String) -> Kind? {
            Kind(rawValue: word) ?? (word.last == "s" ? Kind(rawValue: String(word.dropLast())) : nil)
        }
        switch words.count {
        case 1 where text == "owner": self = .owner
        case 1:
            let parts = text.split(separator: "-")
            guard let kind = Kind(rawValue: String(parts[0])) else { return nil }
            if parts.count == 1 {
                self = kind == .postgres || kind == .client ? .number(kind, 1) : .any(kind)
            } else {
                guard parts.count == 2, let number = Int(parts[1]), number > 0 else { return nil }
                self = .number(kind, number)
            }
        case 2:
            guard words[0] == "all", let kind = kind(words[1]) else { return nil }
            self = .all(kind)
        case 4:
            guard words[0] == "a", words[2] == "of", let kind = kind(words[3]) else { return nil }
            switch words[1] {
            case "minority": self = .minority(kind)
            case "majority": self = .majority(kind)
            default: return nil
            }
        default: return nil
        }
    }
}

extension YamlError {
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: nil
        }
    }
}
