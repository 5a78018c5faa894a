import Foundation

/// What the rest of the machine was doing, from /proc (proc(5)).
struct Machine {
    private var ticks: [Int] = []

    /// Reads the sums over all CPUs: user, nice, system, idle, iowait, irq, softirq, steal.
    static func now() -> Machine {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst()
        return Machine(ticks: fields.prefix(8).compactMap { Int($0) })
    }

    /// The share of all CPU time since `start` that the hypervisor gave to others, in percent.
    func steal(since start: Machine) -> Double { share(of: 7, since: start) }
    func idle(since start: Machine) -> Double { share(of: 3, since: start) }

    private func share(of field: Int, since start: Machine) -> Double {
        guard ticks.count == 8, start.ticks.count == 8 else { return 0 }
        let passed = zip(ticks, start.ticks).map { $0 - $1 }
        let total = passed.reduce(0, +)
        return total > 0 ? 100 * Double(passed[field]) / Double(total) : 0
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
