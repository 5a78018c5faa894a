public import Methods
import Sales
import Synchronization
public import Wire
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

    /// Starts connecting to every broker.
    ///
    /// - Parameter brokers: clients' endpoints, such as `ipc:///run/stampede/broker-1-clients.sock` or
    ///   `tcp://127.0.0.1:7100`.
    /// - Throws: `INVALID_ARGUMENT` for an empty list or a malformed endpoint. A broker that is not there is
    ///   no error: it may come.
    public init(brokers: [String], configuration: ClientConfiguration = .init()) throws(CallError) {
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
        IOThread.start { [endpoints] in
            ClientLoop(endpoints: endpoints, configuration: configuration, inbox: inbox).run()
        }
    }

    /// Without `close()` nobody can await the end, but the thread ends all the same.
    deinit { inbox.close(nil) }

    private static func invalid(_ message: String) -> CallError {
        CallError(status: .invalidArgument, certainty: .notExecuted, message: message)
    }

    /// Calls a method and returns its reply.
    ///
    /// Cancelling the task withdraws the attempt if it has not been decided; it never touches an order.
    public func call<Request: MessageBody & Routed, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ request: Request, options: CallOptions = .init()
    ) async throws(CallError) -> Reply {
        var writer = MessagePackWriter()
        writer.reserve(128)
        request.encode(into: &writer)
        let header = method.header(for: request)
        let outcome = await perform(
            header, body: writer.bytes, isRepeatable: request.route.isRepeatable, options: options)
        guard outcome.ending.status == .ok else {
            throw CallError(outcome.ending, body: outcome.body, requestKey: header.requestKey)
        }
        do {
            var offset = 0
            return try Reply(decoding: outcome.body.span, at: &offset)
        } catch {
            throw CallError(
                status: .internal, certainty: .executed,
                message:
                    "\(method.name) was done, but its reply cannot be read: \(error); update this client",
                requestKey: header.requestKey == 0 ? nil : RequestKey(rawValue: header.requestKey))
        }
    }

    /// Hands a call to the I/O thread and waits for its one ending.
    private func perform(
        _ header: Header, body: [UInt8], isRepeatable: Bool, options: CallOptions
    ) async -> Outcome {
        guard Header.size + body.count <= Limits.messageSize else {
            return .refused(.invalidArgument, .tooLarge)
        }
        if let broker = options.broker, !brokers.indices.contains(broker) {
            return .refused(.invalidArgument, .noSuchBroker)
        }
        let ticket = inbox.nextTicket()
        let deadline = MonotonicTime.now() + options.deadline
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let refusal = inbox.submit(
                    Submission(
                        ticket: ticket, header: header, body: body, isRepeatable: isRepeatable,
                        maximumAttempts: options.maximumAttempts, broker: options.broker, deadline: deadline,
                        continuation: continuation))
                if let refusal {
                    continuation.resume(returning: refusal)
                } else if Task.isCancelled {
                    // The handler may have run before there was anything to cancel.
                    inbox.cancel(ticket)
                }
            }
        } onCancel: {
            inbox.cancel(ticket)
        }
    }

    /// Ends every call that is still in flight, closes the connections and awaits the end of the thread's
    /// work. Later calls are refused.
    public func close() async {
        await withCheckedContinuation { inbox.close($0) }
    }
}
