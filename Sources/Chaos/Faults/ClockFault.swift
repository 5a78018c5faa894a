import ChaosFiles
import Cluster
import Glibc

/// A library that is preloaded into processes and steps the clocks that they see, one file of offsets each.
///
/// Compiled when it is needed, for the machine it runs on.
struct ClockShim: Sendable {
    let folder: String
    private var library: String { "\(folder)/clock_shim.so" }

    /// - Throws: `missingTool` without a C compiler.
    static func build(in folder: String) async throws(ChaosError) -> ClockShim {
        let shim = ClockShim(folder: folder)
        let (source, log) = ("\(folder)/clock_shim.c", "\(folder)/clock_shim.log")
        try Files.write(ChaosFiles.clockShim, to: source)
        let status = await Tool(name: "cc", log: log).run(
            ["-O2", "-shared", "-fPIC", "-o", shim.library, source], atMost: .seconds(60))
        guard status == .code(0) else {
            throw ChaosError(
                .missingTool,
                "the clock shim cannot be compiled, see \(log): run `apt-get install gcc libc6-dev` as root")
        }
        return shim
    }

    /// What a process needs in its environment.
    func environment(_ process: String) -> [String: String] {
        try? set(0, .wall, process)
        return ["LD_PRELOAD": library, "STAMPEDE_CHAOS_CLOCK": path(process)]
    }

    private func path(_ process: String) -> String { "\(folder)/\(process).clock" }

    /// Steps one clock of a process, now; its other clock stays in step with the machine's.
    func set(_ nanoseconds: Int64, _ clock: ClockKind, _ process: String) throws(ChaosError) {
        let offsets = clock == .wall ? [nanoseconds, 0] : [0, nanoseconds]
        // Written in place: the process has mapped this very file.
        let file = open(path(process), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        let count = offsets.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
        close(file)
        guard count == 16 else { throw ChaosError(.folder, "“\(path(process))” cannot be written") }
    }

    /// Whether the process runs with the shim.
    func isLoaded(_ pid: Int32) -> Bool { Files.text("/proc/\(pid)/maps")?.contains(library) ?? false }
}

/// A step of the clocks of some processes, back again when healed.
struct ClockFault: Fault {
    let arena: Arena
    let shim: ClockShim
    let names: [String]
    let fault: PlannedFault
    /// Of Redis nodes among the names.
    let sockets: [String]

    func inject() async throws(ChaosError) {
        for name in names { try shim.set(Int64(fault.amount.count) * 1_000_000, fault.clock, name) }
    }

    func evidence() async -> Evidence {
        let loaded = names.count { name in arena.cluster.pid(of: name).map(shim.isLoaded) ?? false }
        var text = "\(loaded) of \(names.count) processes see a clock \(fault.amount.count) ms off"
        guard loaded == names.count, fault.clock == .wall else {
            return Evidence(loaded == names.count, text)
        }
        for socket in sockets {
            guard let time = await RedisSocket.time(socket) else { continue }
            let error = abs(time - Journal.wall - Int64(fault.amount.count) * 1_000)
            text += ", TIME agrees to \(error / 1_000) ms"
            return Evidence(error < 1_000_000, text)
        }
        return Evidence(true, text)
    }

    func heal() async { for name in names { try? shim.set(0, fault.clock, name) } }
}
