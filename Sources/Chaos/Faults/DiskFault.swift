import Cluster
import Glibc
import Synchronization

/// Makes Postgres' disk slow, full or faulty, by strace(1), which answers system calls in the kernel's place.
///
/// Without ptrace(2) rights, as in some containers, it cannot be injected, and the episode says so.
final class DiskFault: Fault {
    private let arena: Arena
    private let trouble: DiskTrouble
    private let tracer = Mutex<Int32?>(nil)

    init(_ arena: Arena, _ trouble: DiskTrouble) {
        self.arena = arena
        self.trouble = trouble
    }

    private var log: String { "\(arena.folder)/logs/strace.log" }

    /// https://man7.org/linux/man-pages/man1/strace.1.html, "Tampering".
    private var tampering: String {
        switch trouble {
        case .slow: "inject=fdatasync,fsync:delay_enter=200000"
        case .full: "inject=pwrite64,pwritev,fallocate:error=ENOSPC"
        case .error: "inject=fdatasync,fsync:error=EIO:when=1"
        }
    }

    func inject() async throws(ChaosError) {
        guard let server = arena.cluster.pid(of: "postgres") else {
            throw ChaosError(.fault, "Postgres does not run")
        }
        let processes = [server] + ProcessState.children(of: server).map(\.pid)
        let command = Command(
            executable: "/usr/bin/env",
            arguments: [
                "strace", "-f", "-e", "trace=fdatasync,fsync,pwrite64,pwritev,fallocate", "-e", tampering,
            ]
                + processes.flatMap { ["-p", "\($0)"] }, log: log)
        // On a thread that lives as long as the tracer: the kernel ends it with the thread that started it.
        Blocking.thread { [self] in
            guard case .success(let pid) = command.spawn() else { return }
            tracer.withLock { $0 = pid }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            tracer.withLock { $0 = nil }
        }
        await Arena.wait(atMost: .seconds(5)) { tampered > 0 }
        guard tampered > 0 else {
            await heal()
            throw ChaosError(
                .missingTool,
                "strace cannot tamper with Postgres' system calls (see \(log)): install strace, and allow ptrace"
            )
        }
    }

    private var tampered: Int {
        let text = Files.text(log) ?? ""
        return text.split(separator: "\n").count { $0.contains("(INJECTED)") || $0.contains("(DELAYED)") }
    }

    func evidence() async -> Evidence {
        let tampered = tampered
        return Evidence(tampered > 0, "\(tampered) system calls were tampered with")
    }

    func heal() async {
        // It detaches from whom it traces.
        if let pid = tracer.withLock({ $0 }) { kill(pid, SIGTERM) }
        await Arena.wait(atMost: .seconds(5)) { tracer.withLock { $0 } == nil }
    }
}
