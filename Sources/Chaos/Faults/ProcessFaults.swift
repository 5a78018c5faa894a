import Cluster
import Glibc
import Synchronization

/// SIGKILL, or for Postgres SIGQUIT, and no restart until healed.
struct KillFault: Fault {
    let arena: Arena
    let names: [String]
    let signal: Int32
    private let before: [String: Int32]

    init(_ arena: Arena, _ names: [String], signal: Int32 = SIGKILL) {
        self.arena = arena
        self.names = names
        self.signal = signal
        before = Dictionary(
            uniqueKeysWithValues: names.compactMap { name in arena.cluster.pid(of: name).map { (name, $0) } })
    }

    func inject() async throws(ChaosError) {
        for name in names {
            do throws(ClusterError) {
                try arena.cluster.setSupervised(name, false)
                // A process that was stopped takes this one, too.
                try arena.cluster.kill(name, signal)
                try arena.cluster.kill(name, SIGCONT)
            } catch {
                throw ChaosError(.fault, error.message)
            }
        }
        await Arena.wait(atMost: .seconds(5)) { names.allSatisfy { arena.cluster.pid(of: $0) == nil } }
    }

    func evidence() async -> Evidence {
        let dead = names.filter { arena.cluster.pid(of: $0) != before[$0] }
        return Evidence(dead.count == names.count, "\(dead.count) of \(names.count) processes died")
    }

    func heal() async {
        for name in names { try? arena.cluster.setSupervised(name, true) }
        // Seldom: to answer, a Postgres that recovers must start a process.
        await Arena.wait(atMost: .seconds(60), every: .milliseconds(100)) {
            names.allSatisfy(arena.cluster.serves)
        }
    }
}

/// SIGSTOP and SIGCONT.
struct PauseFault: Fault {
    private let standstill: Standstill

    init(_ arena: Arena, _ names: [String]) { standstill = Standstill(arena, names) }

    func inject() async throws(ChaosError) { await standstill.begin() }

    func evidence() async -> Evidence {
        let (stopped, all) = standstill.count
        return Evidence(stopped == all, "\(stopped) of \(all) processes stood still")
    }

    func heal() async { standstill.end() }
}

/// Processes that are stopped and continued together with those that they have started: Postgres has one for each
/// session, and they work on when only the one that accepts connections stands still.
final class Standstill: Sendable {
    private let arena: Arena
    private let names: [String]
    private let children = Mutex<[ProcessState.Child]>([])

    init(_ arena: Arena, _ names: [String]) {
        self.arena = arena
        self.names = names
    }

    func begin() async {
        for name in names { _ = try? arena.cluster.kill(name, SIGSTOP) }
        // Whoever stands still starts no other.
        await Arena.wait(atMost: .seconds(1)) { parents.allSatisfy(ProcessState.isStopped) }
        let found = parents.flatMap(ProcessState.children)
        children.withLock { $0 = found }
        for child in found { child.signal(SIGSTOP) }
        await Arena.wait(atMost: .seconds(1)) { count.stopped == count.all }
    }

    private var parents: [Int32] { names.compactMap(arena.cluster.pid) }

    var count: (stopped: Int, all: Int) {
        let children = children.withLock { $0 }
        let stopped = (parents + children.map(\.pid)).count(where: ProcessState.isStopped)
        return (stopped, names.count + children.count)
    }

    func end() {
        // Also when their parent has been killed meanwhile: a server that starts anew waits for them.
        for child in children.withLock({ $0 }) { child.signal(SIGCONT) }
        for name in names { _ = try? arena.cluster.kill(name, SIGCONT) }
    }
}

/// A tenth of a processor: stopped for 90 of every 100 ms.
final class StarveFault: Fault {
    private let standstill: Standstill
    private let rounds = Mutex(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ arena: Arena, _ names: [String]) { standstill = Standstill(arena, names) }

    func inject() async throws(ChaosError) {
        let strobe = Task { [self] in
            while !Task.isCancelled {
                await standstill.begin()
                try? await Task.sleep(for: .milliseconds(90))
                standstill.end()
                rounds.withLock { $0 += 1 }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
        task.withLock { $0 = strobe }
    }

    func evidence() async -> Evidence {
        let rounds = rounds.withLock { $0 }
        return Evidence(rounds > 2, "stopped and continued \(rounds) times")
    }

    func heal() async {
        let strobe = task.withLock { $0.take() }
        strobe?.cancel()
        await strobe?.value
        standstill.end()
    }
}

/// SIGTERM: a worker hands its partitions over and ends.
struct DrainFault: Fault {
    let arena: Arena
    let names: [String]

    func inject() async throws(ChaosError) {
        for name in names {
            try? arena.cluster.setSupervised(name, false)
            _ = try? arena.cluster.kill(name, SIGTERM)
            await Arena.wait(atMost: .seconds(15)) { arena.cluster.pid(of: name) == nil }
        }
    }

    func evidence() async -> Evidence {
        let ended = names.count { arena.cluster.pid(of: $0) == nil }
        return Evidence(ended == names.count, "\(ended) of \(names.count) workers handed over and ended")
    }

    func heal() async {
        for name in names {
            try? arena.cluster.setSupervised(name, true)
            _ = await arena.awaitFit(name, atMost: .seconds(10))
        }
    }
}

/// Drains every worker and starts it again before the next.
final class RollingRestartFault: Fault {
    private let arena: Arena
    private let names: [String]
    private let renewed = Mutex(0)

    init(_ arena: Arena, _ names: [String]) {
        self.arena = arena
        self.names = names
    }

    func inject() async throws(ChaosError) {
        for name in names {
            let old = arena.cluster.pid(of: name)
            _ = try? arena.cluster.kill(name, SIGTERM)
            await Arena.wait(atMost: .seconds(15)) {
                let new = arena.cluster.pid(of: name)
                return new != nil && new != old
            }
            if arena.cluster.pid(of: name) != old { renewed.withLock { $0 += 1 } }
            _ = await arena.awaitFit(name, atMost: .seconds(10))
        }
    }

    func evidence() async -> Evidence {
        let renewed = renewed.withLock { $0 }
        return Evidence(renewed == names.count, "\(renewed) of \(names.count) workers ran anew")
    }

    func heal() async {}
}

/// One worker more; it stays.
final class JoinFault: Fault {
    private let arena: Arena
    private let joined = Mutex<String?>(nil)

    init(_ arena: Arena) { self.arena = arena }

    func inject() async throws(ChaosError) {
        do throws(ClusterError) {
            let name = try await arena.cluster.addWorker()
            joined.withLock { $0 = name }
        } catch {
            throw ChaosError(.fault, error.message)
        }
    }

    func evidence() async -> Evidence {
        guard let name = joined.withLock({ $0 }) else { return Evidence(false, "no worker joined") }
        let owned = await arena.owners().values.count { $0 == name }
        return Evidence(owned > 0, "\(name) owns \(owned) partitions")
    }

    func heal() async {}
}

/// proc(5).
enum ProcessState {
    /// A process that is not ours to reap: its number may become another's, but not with the same start.
    struct Child: Equatable, Sendable {
        let pid: Int32
        private let start: Substring

        init?(_ pid: Int32) {
            // "starttime" is the twentieth from the state on.
            guard let fields = ProcessState.fields(pid), fields.count > 19 else { return nil }
            self.pid = pid
            start = fields[19]
        }

        func signal(_ signal: Int32) { if Child(pid) == self { kill(pid, signal) } }
    }

    static func isStopped(_ pid: Int32) -> Bool { fields(pid)?.first == "T" }

    static func children(of pid: Int32) -> [Child] {
        let text = Files.text("/proc/\(pid)/task/\(pid)/children") ?? ""
        return text.split(separator: " ").compactMap { Int32($0.filter(\.isNumber)) }.compactMap(Child.init)
    }

    /// Of `stat`, from the state on.
    private static func fields(_ pid: Int32) -> [Substring]? {
        // The name before it may hold spaces and parentheses.
        guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        return text[end...].dropFirst(2).split(separator: " ")
    }
}

extension Arena {
    /// Asks again and again until the condition holds.
    static func wait(
        atMost limit: Duration, every period: Duration = .milliseconds(5), _ condition: () -> Bool
    ) async {
        let end = ContinuousClock.now + limit
        while !condition(), .now < end, !Task.isCancelled { try? await Task.sleep(for: period) }
    }
}
