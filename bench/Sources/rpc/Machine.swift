import Foundation
import Glibc

/// What the rest of the machine was doing, from /proc (proc(5)).
struct Machine {
    private var ticks: [Int] = []
    /// CPU time of the clients that have ended, in nanoseconds.
    private var clients: UInt64 = 0

    /// Reads the sums over all CPUs: user, nice, system, idle, iowait, irq, softirq, steal.
    static func now() -> Machine {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst()
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        let times = [usage.ru_utime, usage.ru_stime]
        let clients = times.reduce(0) { $0 + UInt64($1.tv_sec) * 1_000_000_000 + UInt64($1.tv_usec) * 1_000 }
        return Machine(ticks: fields.prefix(8).compactMap { Int($0) }, clients: clients)
    }

    /// The share of all CPU time since `start` that went to processes other than the measured ones, in percent.
    ///
    /// - Parameter peers: CPU time since then of the peers that still run, in nanoseconds.
    func others(since start: Machine, peers: UInt64) -> Double {
        let total = passed(since: start).reduce(0, +)
        guard total > 0 else { return 0 }
        let own = Double(clients - start.clients + peers) / 1e9 * Double(Machine.ticksPerSecond)
        let unused = share(of: 3, since: start) + share(of: 4, since: start) + steal(since: start)
        return max(0, 100 - unused - 100 * own / Double(total))
    }

    private static let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))

    /// The share of all CPU time since `start` that the hypervisor gave to others, in percent.
    func steal(since start: Machine) -> Double { share(of: 7, since: start) }
    func idle(since start: Machine) -> Double { share(of: 3, since: start) }

    private func share(of field: Int, since start: Machine) -> Double {
        let passed = passed(since: start)
        let total = passed.reduce(0, +)
        return total > 0 ? 100 * Double(passed[field]) / Double(total) : 0
    }

    private func passed(since start: Machine) -> [Int] {
        guard ticks.count == 8, start.ticks.count == 8 else { return Array(repeating: 0, count: 8) }
        return zip(ticks, start.ticks).map { $0 - $1 }
    }

    /// Runnable tasks, averaged over a minute (proc_loadavg(5)).
    static var load: Double {
        let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
        return text.split(separator: " ").first.flatMap { Double($0) } ?? 0
    }

    static var description: [String: String] {
        let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = cpu.split(separator: "\n").first { $0.hasPrefix("model name") }
        let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
        return [
            "cpus": String(ProcessInfo.processInfo.activeProcessorCount),
            "model": model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "",
            "kernel": kernel.trimmingCharacters(in: .newlines),
        ]
    }
}
