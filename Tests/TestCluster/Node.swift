import Foundation
import Synchronization
import Wire
import ZeroMQ

/// A process of the cluster as a thread of the test: it has its own event loop, and can be stopped or paused
/// like a process.
public final class Node: Sendable {
    private enum Order: Int {
        case run
        case pause
        case drain
        case stop
    }

    private let order = Atomic<Int>(Order.run.rawValue)
    private let isPaused = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)
    public let name: String

    /// Starts the thread. `body` sets things up on the loop and returns what must stay alive while it runs;
    /// `drain` asks that for an end in good order.
    init<State>(
        _ name: String, _ body: @escaping @Sendable (EventLoop) throws -> State,
        drain: @escaping @Sendable (State) -> Void = { _ in }
    ) {
        self.name = name
        let thread = Thread { [self] in
            let loop = EventLoop()
            do {
                // The loop must not keep it alive: a dead process has no sockets open.
                let box = Box(try body(loop))
                loop.schedule(every: .milliseconds(2)) { [self, unowned loop] in
                    if isDrainOrdered(), let state = box.state { drain(state) }
                    obey(loop)
                }
                loop.run()
                box.state = nil
            } catch {
                fatalError("\(name): \(error)")
            }
            ended.signal()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    private final class Box<State> {
        var state: State?
        init(_ state: State) { self.state = state }
    }

    private func isDrainOrdered() -> Bool {
        order.compareExchange(
            expected: Order.drain.rawValue, desired: Order.run.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }

    private func obey(_ loop: EventLoop) {
        while order.load(ordering: .acquiring) == Order.pause.rawValue {
            isPaused.store(true, ordering: .releasing)
            usleep(500)
        }
        isPaused.store(false, ordering: .releasing)
        if order.load(ordering: .acquiring) == Order.stop.rawValue { loop.stop() }
    }

    /// Holds the loop like SIGSTOP holds a process; returns when it stands still.
    public func pause() {
        order.store(Order.pause.rawValue, ordering: .releasing)
        while !isPaused.load(ordering: .acquiring) { usleep(200) }
    }

    public func resume() { order.store(Order.run.rawValue, ordering: .releasing) }

    /// Asks for an end in good order, like SIGTERM does; returns when it is over.
    public func drain() {
        order.store(Order.drain.rawValue, ordering: .releasing)
        ended.wait()
        ended.signal()
    }

    /// Ends the thread without a word to anybody, like kill -9; returns when it is over.
    public func kill() {
        order.store(Order.stop.rawValue, ordering: .releasing)
        ended.wait()
        ended.signal()
    }
}
