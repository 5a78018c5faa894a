import Wire
import ZeroMQ

/// A client of a Stampede cluster: calls methods through any of its brokers.
///
/// One thread of its own does all I/O; a call encodes and decodes on the task that makes it. Every call ends
/// exactly once: with a reply, or with a `CallError` that says whether the request ran. Repetitions that the
/// retry rules allow are made for the caller (`PROTOCOL.md`, "Certainty and retries").
public final class StampedeClient: Sendable {
    /// The brokers' endpoints, in the order given.
    public let brokers: [String]
    let inbox: Inbox
    @usableFromInline let interceptors: [any ClientInterceptor]
    private let loopExecutor: LoopExecutor

    /// Runs tasks on the client's I/O thread, so that a call changes no thread on its way:
    /// `withTaskExecutorPreference(client.executor) { … }` or `Task(executorPreference: client.executor)`.
    ///
    /// For tasks that do little but call, such as load generators and gateways: it saves two wake-ups per call.
    /// What runs there must not block, and every millisecond that it computes holds up the client's other calls
    /// and heartbeats. Closing the client moves its tasks to the global executor.
    public var executor: any TaskExecutor { loopExecutor }

    /// Starts connecting to every broker.
    ///
    /// - Parameters:
    ///   - brokers: clients' endpoints, such as `ipc:///run/stampede/broker-1-clients.sock` or
    ///     `tcp://127.0.0.1:7100`.
    ///   - interceptors: around every call, the first outermost.
    /// - Throws: `INVALID_ARGUMENT` for an empty list or a malformed endpoint. A broker that is not there is
    ///   no error: it may come.
    public init(
        brokers: [String], configuration: ClientConfiguration = .init(),
        interceptors: [any ClientInterceptor] = []
    ) throws(CallError) {
        guard !brokers.isEmpty else {
            throw StampedeClient.invalid("a client needs at least one broker's endpoint")
        }
        var endpoints: [Endpoint] = []
        for broker in brokers {
            guard let endpoint = Endpoint(broker) else {
                throw StampedeClient.invalid(
                    "'\(broker)' is not an endpoint; write tcp://host:port or ipc:///path")
            }
            endpoints.append(endpoint)
        }
        guard 1...CallID.maximumSlots ~= configuration.maximumCallsInFlight else {
            throw StampedeClient.invalid("set maximumCallsInFlight to 1 ... \(CallID.maximumSlots)")
        }
        self.brokers = brokers
        let inbox = Inbox(limit: configuration.maximumCallsInFlight)
        self.inbox = inbox
        self.interceptors = interceptors
        let executor = LoopExecutor(inbox: inbox)
        loopExecutor = executor
        LoopThread.start { [endpoints] in
            ClientLoop(
                endpoints: endpoints, configuration: configuration, inbox: inbox, executor: executor
            ).run()
        }
    }

    /// Without `close()` nobody can await the end, but the thread ends all the same.
    deinit { inbox.close(nil) }

    private static func invalid(_ message: String) -> CallError {
        CallError(status: .invalidArgument, certainty: .notExecuted, message: message)
    }

    /// Ends every call that is still in flight, closes the connections and awaits the end of the thread's
    /// work. Later calls are refused.
    public func close() async {
        await withCheckedContinuation { inbox.close($0) }
    }
}
