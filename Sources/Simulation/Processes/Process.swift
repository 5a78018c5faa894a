import Wire

/// A process on a machine of its own: it can be paused and killed, and has its own clock. Whatever happens to it
/// happens in turns, one after the other; `endTurn` follows each.
class Process {
    let name: String
    unowned let world: World
    let clock: LocalClock
    private(set) var isAlive = false
    /// Grows with every start: what was meant for an earlier life is nobody's.
    private(set) var life = 0
    private var pausedUntil = MonotonicTime.distantPast
    /// What came during a pause, in order.
    private var inbox: [(life: Int, action: () -> Void)] = []

    init(_ name: String, _ world: World) {
        self.name = name
        self.world = world
        clock = world.drawClock()
    }

    /// The time by its own clock.
    var now: MonotonicTime { clock.local(world.now) }
    var isPaused: Bool { world.now < pausedUntil }

    /// Called after everything that happens to it.
    func endTurn() {}
    /// Called when it begins, and begins anew.
    func begin() {}
    /// Called when it ends: its connections break.
    func ended() {}

    // MARK: What happens to it

    /// At a moment of the world's, unless it has died by then; later if it is paused.
    func deliver(at moment: MonotonicTime, _ action: @escaping () -> Void) {
        let life = life
        world.schedule(at: moment) { [self] in
            guard life == self.life else { return }
            if isPaused { inbox.append((life, action)) } else { take(action) }
        }
    }

    /// After a while by its own clock.
    func after(_ amount: TimeAmount, _ action: @escaping () -> Void) {
        deliver(at: world.now + clock.trueAmount(amount), action)
    }

    /// Again and again, with a first time drawn so that processes are not in step.
    func every(_ interval: TimeAmount, _ action: @escaping () -> Void) {
        after(TimeAmount(nanoseconds: Int64(world.network.number(1...Int(interval.nanoseconds))))) { [self] in
            repeating(interval, action)
        }
    }

    private func repeating(_ interval: TimeAmount, _ action: @escaping () -> Void) {
        action()
        after(interval) { [self] in repeating(interval, action) }
    }

    private func take(_ action: () -> Void) {
        action()
        if isAlive { endTurn() }
    }

    // MARK: Life and death

    /// - Precondition: it does not live.
    func start() {
        precondition(!isAlive, "\(name) lives and is started: it would forget what it was told")
        isAlive = true
        begin()
    }

    func kill() {
        guard isAlive else { return }
        isAlive = false
        life += 1
        inbox = []
        pausedUntil = .distantPast
        ended()
    }

    /// Stands still for a while, as after SIGSTOP. What comes meanwhile waits in its sockets.
    func pause(until end: MonotonicTime) {
        guard isAlive, end > pausedUntil else { return }
        pausedUntil = end
        world.schedule(at: end) { [self] in
            guard !isPaused else { return }
            let waiting = inbox
            inbox = []
            for (life, action) in waiting where life == self.life { take(action) }
        }
    }

    func resume() {
        guard isPaused else { return }
        pausedUntil = world.now
        let waiting = inbox
        inbox = []
        for (life, action) in waiting where life == self.life { take(action) }
    }
}
