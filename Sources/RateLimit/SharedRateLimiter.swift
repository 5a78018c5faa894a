public import Redis
public import Resilience
import Synchronization
import Wire
import ZeroMQ

/// Rates that many processes share, for tasks: a `RedisRateLimiter` on a thread of its own.
///
/// Ends with `close()`; what is asked after that is decided by nobody and refused.
public final class SharedRateLimiter: RateDeciding, Sendable {
    private struct Question: Sendable {
        let claims: [RateClaim]
        let answer: CheckedContinuation<RateDecision, Never>
    }

    private struct State: Sendable {
        var waiting: [Question] = []
        var isClosed = false
    }

    /// Questions that may wait for the thread; more are refused.
    static let limit = 8_192

    private let state = Mutex(State())
    private let bell = Doorbell()

    /// - Parameter nodes: in the same order in every process: a key's home depends on it.
    public init(nodes: [RedisAddress]) {
        LoopThread.start { [self] in run(nodes) }
    }

    public func decide(_ claims: [RateClaim]) async -> RateDecision {
        await withCheckedContinuation { answer in
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.waiting.count < Self.limit else { return false }
                state.waiting.append(Question(claims: claims, answer: answer))
                return true
            }
            if isTaken { bell.ring() } else { answer.resume(returning: Self.refusal) }
        }
    }

    /// Ends the thread, once.
    public func close() {
        state.withLock { $0.isClosed = true }
        bell.ring()
    }

    private static let refusal = RateDecision(
        isAllowed: false, remaining: 0, retryAfter: .milliseconds(500), resetAfter: .milliseconds(500))

    // MARK: The thread

    private func run(_ nodes: [RedisAddress]) {
        let loop = EventLoop()
        var generator = SystemRandomNumberGenerator()
        let limiter = RedisRateLimiter(nodes: nodes, loop: loop) { generator.next() }
        let source = loop.watch(descriptor: bell.descriptor, for: .readable) { [self, unowned loop] _ in
            bell.silence()
            let (questions, isClosed) = state.withLock { state in
                defer { state.waiting = [] }
                return (state.waiting, state.isClosed)
            }
            for question in questions {
                limiter.decide(question.claims) { question.answer.resume(returning: $0) }
            }
            if isClosed { loop.stop() }
        }
        loop.run()
        loop.remove(source)
        limiter.close()
    }
}
