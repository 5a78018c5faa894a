import Glibc

/// One process of the cluster and the thread that keeps it running.
///
/// The thread starts the process, sleeps until it ends, and starts it again after a pause. It lives as long
/// as the process does, so the kernel's parent death signal, which goes by thread, means the supervisor.
final class Child: Sendable {
    let name: String
    let command: Command
    /// Asks the process to end in an orderly way.
    let stopSignal: Int32
    private let state = Monitor(State())
    private let report: @Sendable (ClusterEvent) -> Void

    private struct State {
        enum Phase {
            /// No process, and none wanted until somebody asks. Can become `running` or `over`.
            case idle
            /// Can become `idle`, `resting` or `over`.
            case running(pid: Int32, since: ContinuousClock.Instant)
            /// Dead, to be started again at `until`. Can become `running`, `idle` or `over`.
            case resting(until: ContinuousClock.Instant)
            /// The keeper has left. Final.
            case over
        }

        var phase = Phase.resting(until: .now)
        var isSupervised = true
        var isStopping = false
        var backoff = Backoff()
        var lastStatus: ExitStatus?

        var pid: Int32? {
            if case .running(let pid, _) = phase { pid } else { nil }
        }

        mutating func ended(_ status: ExitStatus, since start: ContinuousClock.Instant) -> Duration? {
            let now = ContinuousClock.now
            lastStatus = status
            let pause = backoff.death(after: start.duration(to: now), random: .random(in: 0..<1))
            guard isSupervised, !isStopping else {
                phase = .idle
                return nil
            }
            phase = .resting(until: now + pause)
            return pause
        }
    }

    init(
        name: String, command: Command, stopSignal: Int32 = SIGTERM,
        report: @escaping @Sendable (ClusterEvent) -> Void
    ) {
        self.name = name
        self.command = command
        self.stopSignal = stopSignal
        self.report = report
    }

    /// The running process, if there is one.
    var pid: Int32? { state.withLock { $0.pid } }
    /// For how long the process has been running; zero when it is dead.
    var age: Duration {
        state.withLock { state in
            if case .running(_, let since) = state.phase { since.duration(to: .now) } else { .zero }
        }
    }
    /// How often it died without ten healthy seconds between, and how it did so last.
    var deaths: (count: Int, last: ExitStatus?) { state.withLock { ($0.backoff.deaths, $0.lastStatus) } }

    /// Begins to keep the process running. Call once.
    func keep() { Blocking.thread { self.keepRunning() } }

    /// Sends a signal to the process. False when none is running.
    func signal(_ signal: Int32) -> Bool {
        // Reaping happens under this lock too, so the number still names our child.
        state.withLock { state in state.pid.map { Glibc.kill($0, signal) == 0 } ?? false }
    }

    /// Whether the process is started again when it dies. Takes effect on a dead one at once.
    func setSupervised(_ isSupervised: Bool) {
        state.withLock { state in
            state.isSupervised = isSupervised
            switch state.phase {
            case .idle where isSupervised: state.phase = .resting(until: .now)
            case .resting where !isSupervised: state.phase = .idle
            case .idle, .resting, .running, .over: break
            }
        }
    }

    /// Starts the process now if it is dead.
    func startNow() {
        state.withLock { state in
            switch state.phase {
            case .idle, .resting: state.phase = .resting(until: .now)
            case .running, .over: break
            }
        }
    }

    /// Asks the process to end and keeps it from being started again. `join` waits for it. Asks once: a worker takes a
    /// second signal for impatience.
    func stop() {
        state.withLock { state in
            guard !state.isStopping else { return }
            state.isStopping = true
            guard let pid = state.pid else { return }
            Glibc.kill(pid, stopSignal)
            // A stopped process, as chaos tests leave them, takes no other signal before this one.
            Glibc.kill(pid, SIGCONT)
        }
    }

    /// Waits for the end after `stop`; kills the process and its group when `end` has come.
    func join(until end: ContinuousClock.Instant) {
        func isOver(_ state: State) -> Bool { if case .over = state.phase { true } else { false } }
        if state.wait(until: end, for: isOver) { return }
        state.withLock { state in _ = state.pid.map { Glibc.kill(-$0, SIGKILL) } }
        // Only a process in an uninterruptible system call outlives this.
        _ = state.wait(until: .now + .seconds(5), for: isOver)
    }

    // MARK: On the keeper's thread

    private func keepRunning() {
        while let started = waitAndSpawn() {
            switch started {
            case .success(let pid):
                report(.started(name: name, pid: pid))
                waitForEnd(of: pid)
            case .failure(let status):
                ended(status, since: .now)
            }
        }
        // Told before it is over: whoever has waited for the end finds the event behind him.
        report(.stopped(name: name))
        state.withLock { $0.phase = .over }
    }

    private enum Start {
        case success(Int32)
        case failure(ExitStatus)
    }

    /// Nil when the cluster stops.
    private func waitAndSpawn() -> Start? {
        state.wait { state in
            if state.isStopping { return .done(nil) }
            guard case .resting(let until) = state.phase else { return .again(at: nil) }
            guard .now >= until else { return .again(at: until) }
            // Under the lock, so that `stop` finds either no process or its number.
            switch command.spawn() {
            case .success(let pid):
                state.phase = .running(pid: pid, since: .now)
                return .done(.success(pid))
            case .failure(let error): return .done(.failure(.unstartable(error.errno)))
            }
        }
    }

    private func waitForEnd(of pid: Int32) {
        // waitid(2), WNOWAIT: "Leave the child in a waitable state". Its number stays taken until it is reaped
        // under the lock below, so no signal of ours can hit a stranger.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        let outcome = state.withLock { state in
            guard case .running(_, let since) = state.phase else {
                preconditionFailure("\(name) ended while \(state.phase)")
            }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let exit = ExitStatus(waitStatus: status)
            return (isStopping: state.isStopping, exit: exit, pause: state.ended(exit, since: since))
        }
        if !outcome.isStopping {
            report(.exited(name: name, status: outcome.exit, restartIn: outcome.pause))
        }
    }

    private func ended(_ status: ExitStatus, since start: ContinuousClock.Instant) {
        let pause = state.withLock { $0.ended(status, since: start) }
        report(.exited(name: name, status: status, restartIn: pause))
    }
}
