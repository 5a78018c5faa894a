import Cluster
import Glibc

extension Arena {
    /// Finds the victims of a planned fault and makes it ready.
    func prepare(_ planned: PlannedFault) async throws(ChaosError) -> (fault: any Fault, names: [String]) {
        let names = try await resolve(planned.target)
        return (try await fault(planned, names), names)
    }

    private func fault(_ planned: PlannedFault, _ names: [String]) async throws(ChaosError) -> any Fault {
        switch planned.nemesis {
        case .kill: return KillFault(self, names)
        case .postgresStop: return KillFault(self, names, signal: SIGQUIT)
        case .pause: return PauseFault(self, names)
        case .pauseInCommit:
            return PauseInCommitFault(arena: self, worker: names[0], commits: planned.commits)
        case .starve: return StarveFault(self, names)
        case .drain: return DrainFault(arena: self, names: names)
        case .rollingRestart: return RollingRestartFault(self, names)
        case .join: return JoinFault(self)
        case .cut, .delay, .reset: return try linkFault(planned, names)
        case .redisWipe, .redisFlush, .redisForge, .redisExtend:
            return LyingRedisFault(sockets: sockets(names), lie: planned.nemesis, ttl: plan.leaseTTL)
        case .disk: return DiskFault(self, planned.disk)
        case .clock:
            guard let shim else { throw ChaosError(.missingTool, "the clock shim was not built") }
            return ClockFault(arena: self, shim: shim, names: names, fault: planned, sockets: sockets(names))
        }
    }

    private func linkFault(_ planned: PlannedFault, _ names: [String]) throws(ChaosError) -> any Fault {
        guard let link = planned.link else { throw ChaosError(.fault, "the fault names no link") }
        let links = links(link, of: names)
        guard !links.isEmpty else {
            throw ChaosError(
                .fault, "no \(link.rawValue) connection begins or ends at \(names.joined(separator: ", "))")
        }
        if planned.nemesis == .reset { return ResetFault(arena: self, links: links) }
        var mode = RelayHub.Mode()
        if planned.nemesis == .delay {
            mode.delay = Int64(planned.amount.count) * 1_000
        } else {
            mode.stopsRequests = planned.direction != .answers
            mode.stopsAnswers = planned.direction != .requests
        }
        return LinkFault(arena: self, links: links, mode: mode)
    }

    /// The sockets of those names that are Redis nodes.
    private func sockets(_ names: [String]) -> [String] {
        names.filter { $0.hasPrefix("redis") }.map { "\(folder)/run/\($0).sock" }
    }
}
