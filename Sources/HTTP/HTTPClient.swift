import CCurl
import Dispatch
import Glibc
import Synchronization
import Wire
import ZeroMQ

/// Sends requests over HTTP, some at a time, each on a thread that keeps its connections.
///
/// libcurl blocks its thread, so that Swift's own are left alone.
public final class HTTPClient: Sendable {
    private struct Job: Sendable {
        let request: HTTPRequest
        let end: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waiting = DispatchSemaphore(value: 0)
    private let connections: Int
    private let queue: Int

    /// - Parameters:
    ///   - connections: requests at a time, 1 to 256.
    ///   - queue: requests that may wait for one of them.
    public init(connections: Int = 16, queue: Int = 1_024) {
        precondition((1...256).contains(connections) && queue > 0, "connections or queue out of range")
        _ = HTTPConnection.library
        self.connections = connections
        self.queue = queue
        for _ in 0..<connections { LoopThread.start { [self] in work() } }
    }

    /// Sends a request and waits for its answer. A cancelled task waits all the same: what was sent was sent.
    public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let result: Result<HTTPResponse, HTTPError> = await withCheckedContinuation { continuation in
            let job = Job(request: request) { continuation.resume(returning: $0) }
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.jobs.count < queue else { return false }
                state.jobs.append(job)
                return true
            }
            if isTaken { waiting.signal() } else { continuation.resume(returning: .failure(.busy)) }
        }
        return try result.get()
    }

    /// Takes no more requests; those that wait are still sent. Its threads end then.
    public func close() {
        state.withLock { $0.isClosed = true }
        for _ in 0..<connections { waiting.signal() }
    }

    private func work() {
        let connection = HTTPConnection()
        while true {
            waiting.wait()
            let (job, isClosed) = state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isClosed)
            }
            if let job {
                job.end(Result { () throws(HTTPError) in try connection.send(job.request) })
            } else if isClosed {
                return
            }
        }
    }
}
