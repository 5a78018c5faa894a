import CZeroMQ
public import Wire

/// One thread's loop over ZeroMQ sockets, plain file descriptors and timers.
///
/// Broker, worker, Redis and Postgres all run on it, so nothing of ours is locked and nothing is queued
/// between threads. A handler must return within 10 ms and may add or remove sources and timers, its own
/// included. Not `Sendable`: it belongs to the thread that made it.
public final class EventLoop {
    /// What a file descriptor is watched for, or found to be ready for.
    public struct Readiness: OptionSet, Sendable {
        public let rawValue: Int16
        public init(rawValue: Int16) { self.rawValue = rawValue }
        public static let readable = Readiness(rawValue: Int16(ZMQ_POLLIN))
        public static let writable = Readiness(rawValue: Int16(ZMQ_POLLOUT))
        /// Reported, never asked for: the descriptor failed or was hung up.
        public static let failed = Readiness(rawValue: Int16(ZMQ_POLLERR))
    }

    /// Names a watched socket or descriptor.
    public struct SourceID: Hashable, Sendable { let value: UInt64 }
    /// Names a scheduled timer.
    public struct TimerID: Hashable, Sendable { let value: UInt64 }

    private struct Source {
        let id: SourceID
        let handler: (Readiness) -> Void
    }

    private struct Timer {
        let id: TimerID
        let interval: TimeAmount?
        let handler: () -> Void
    }

    /// The moment at which the current turn began to handle events.
    public private(set) var now: MonotonicTime {
        get { heldNow.value }
        set { heldNow.value = newValue }
    }

    private let heldNow = ThreadBound(MonotonicTime.now())
    private var items: [zmq_pollitem_t] = []
    private var sources: [Source] = []
    /// The sources of the turn that are ready. Kept between turns, so that a turn allocates nothing.
    private var ready: [(SourceID, Readiness)] = []
    private var timers = TimerHeap()
    private var timerHandlers: [TimerID: Timer] = [:]
    private var turnEnds: [() -> Void] = []
    private var nextID: UInt64 = 0
    private var isStopped = false
    /// Poll without waiting in the next turn, because a handler left work behind.
    private var isBusy = false

    public init() {}

    // MARK: Sources

    /// Watches a socket for messages. The socket must outlive the source.
    ///
    /// The handler must read until it is told `EAGAIN`, or call `continueSoon()`: a readable socket is
    /// reported again in any case, but a long drain would hold up the others.
    @discardableResult
    public func watch(_ socket: borrowing Socket, _ handler: @escaping () -> Void) -> SourceID {
        add(zmq_pollitem_t(socket: socket.pointer, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)) { _ in
            handler()
        }
    }

    /// Watches a file descriptor. Errors and hang-ups are reported whatever was asked for.
    public func watch(
        descriptor: Int32, for readiness: Readiness, _ handler: @escaping (Readiness) -> Void
    ) -> SourceID {
        add(zmq_pollitem_t(socket: nil, fd: descriptor, events: readiness.rawValue, revents: 0), handler)
    }

    /// Changes what a descriptor is watched for.
    public func update(_ id: SourceID, for readiness: Readiness) {
        guard let index = sources.firstIndex(where: { $0.id == id }) else { return }
        items[index].events = readiness.rawValue
    }

    /// Stops watching. Must be called before the descriptor or socket is closed.
    public func remove(_ id: SourceID) {
        guard let index = sources.firstIndex(where: { $0.id == id }) else { return }
        sources.remove(at: index)
        items.remove(at: index)
    }

    private func add(_ item: zmq_pollitem_t, _ handler: @escaping (Readiness) -> Void) -> SourceID {
        nextID += 1
        let id = SourceID(value: nextID)
        items.append(item)
        sources.append(Source(id: id, handler: handler))
        return id
    }

    // MARK: Timers

    /// Calls `handler` once, `delay` from now.
    @discardableResult
    public func schedule(after delay: TimeAmount, _ handler: @escaping () -> Void) -> TimerID {
        schedule(at: .now() + delay, every: nil, handler)
    }

    /// Calls `handler` every `interval`. Beats that were missed are skipped, not made up for.
    @discardableResult
    public func schedule(every interval: TimeAmount, _ handler: @escaping () -> Void) -> TimerID {
        precondition(interval > .zero, "a repeating timer needs an interval above zero, not \(interval)")
        return schedule(at: .now() + interval, every: interval, handler)
    }

    public func cancel(_ id: TimerID) { timerHandlers[id] = nil }

    private func schedule(
        at time: MonotonicTime, every interval: TimeAmount?, _ handler: @escaping () -> Void
    ) -> TimerID {
        nextID += 1
        let id = TimerID(value: nextID)
        timerHandlers[id] = Timer(id: id, interval: interval, handler: handler)
        timers.push(time, id)
        return id
    }

    // MARK: Running

    /// Calls `handler` at the end of every turn: the place to flush what the turn has gathered.
    public func atTurnEnd(_ handler: @escaping () -> Void) { turnEnds.append(handler) }

    /// Makes the next turn poll without waiting. For a handler that stopped before its source was empty.
    public func continueSoon() { isBusy = true }

    /// Runs until `stop()` is called.
    public func run() {
        isStopped = false
        while !isStopped { turn() }
    }

    /// Runs until `condition` holds or `limit` has passed; returns whether it holds. For tests and tools.
    @discardableResult
    public func run(atMost limit: TimeAmount, until condition: () -> Bool) -> Bool {
        let end = MonotonicTime.now() + limit
        while !condition() {
            let left = end - .now()
            if left <= .zero { return false }
            turn(waitingAtMost: left)
        }
        return true
    }

    /// Ends `run()` after the current turn. Must be called on the loop's own thread.
    public func stop() { isStopped = true }

    private func turn(waitingAtMost limit: TimeAmount = .seconds(1)) {
        poll(waitingAtMost: isBusy ? .zero : limit)
        isBusy = false
        now = .now()
        handleReadySources()
        handleDueTimers()
        for handler in turnEnds { handler() }
    }

    private func poll(waitingAtMost limit: TimeAmount) {
        var wait = limit
        if let due = timers.first { wait = min(wait, max(.zero, due - .now())) }
        // Rounded up: a timeout of 0.4 ms must not become a busy loop.
        let milliseconds = Int((wait.nanoseconds + 999_999) / 1_000_000)
        let ready = items.withUnsafeMutableBufferPointer {
            zmq_poll($0.baseAddress, Int32($0.count), milliseconds)
        }
        if ready < 0 {
            let code = zmq_errno()
            // EINTR: a signal came; its own descriptor reports it. Anything else is a bug of ours.
            precondition(code == EINTR, "zmq_poll: \(ZeroMQError("zmq_poll", code: code))")
            for index in items.indices { items[index].revents = 0 }
        }
    }

    private func handleReadySources() {
        // Handlers may add and remove sources, so the ready ones are noted before the first is called. Taken, not
        // used in place: a handler may run the loop itself.
        var ready = self.ready
        self.ready = []
        for index in items.indices where items[index].revents != 0 {
            ready.append((sources[index].id, Readiness(rawValue: items[index].revents)))
        }
        for (id, readiness) in ready {
            guard let source = sources.first(where: { $0.id == id }) else { continue }
            source.handler(readiness)
        }
        ready.removeAll(keepingCapacity: true)
        self.ready = ready
    }

    private func handleDueTimers() {
        while let id = timers.popDue(now) {
            guard let timer = timerHandlers[id] else { continue }
            if let interval = timer.interval {
                timers.push(.now() + interval, id)
            } else {
                timerHandlers[id] = nil
            }
            timer.handler()
        }
    }
}

@available(*, unavailable)
extension EventLoop: Sendable {}
