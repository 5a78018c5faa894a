import Wire
import ZeroMQ

/// The client's I/O thread.
final class ClientLoop {
    private let loop = EventLoop()
    private let inbox: Inbox
    private let executor: LoopExecutor
    private var switchboard: Switchboard
    private var nextTick = MonotonicTime.distantPast
    /// The earliest timer that is set on the loop.
    private var timerDue = MonotonicTime.distantFuture

    init(endpoints: [Endpoint], configuration: ClientConfiguration, inbox: Inbox, executor: LoopExecutor) {
        self.inbox = inbox
        self.executor = executor
        switchboard = Switchboard(endpoints, configuration, inbox, executor, on: loop)
    }

    /// Runs until the client is closed.
    func run() {
        let bell = loop.watch(descriptor: inbox.bell.descriptor, for: .readable) { [inbox] _ in
            inbox.bell.silence()
        }
        switchboard.readable = { [unowned self] broker in switchboard.readFrames(from: broker) }
        loop.atTurnEnd { [unowned self] in endTurn() }
        inbox.begin()
        switchboard.tick()
        scheduleTick()
        loop.run()
        loop.remove(bell)
        executor.end(inbox.closed())
    }

    private func endTurn() {
        switchboard.takeInbox()
        if loop.now >= nextTick { switchboard.tick() }
        scheduleTick()
        if executor.hasOwnJobs { loop.continueSoon() }
    }

    private func scheduleTick() {
        nextTick = switchboard.nextTick()
        guard nextTick < timerDue || timerDue <= loop.now else { return }
        timerDue = nextTick
        // Waking is all that it has to do: the end of the turn looks at the time.
        loop.schedule(after: max(.zero, nextTick - .now())) {}
    }
}
