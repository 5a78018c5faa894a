public import Methods
public import Sales
public import Wire

/// Why a call did not end with a reply, and what is known about whether it ran.
public struct CallError: Error, Hashable, Sendable {
    public let status: Status
    /// Of the whole call, not only of its last attempt: once an attempt may have run, this stays
    /// `maybeExecuted`, whatever a later attempt was refused for.
    public let certainty: Certainty
    public let reason: Reason
    /// One sentence that says what happened and what to do next.
    public let message: String
    /// When it makes sense to call again; nil when nothing was said about it.
    public let retryAfter: TimeAmount?
    /// The numbers that belong to the reason, such as units left. Nil when the client itself ended the call.
    public let details: FailureBody?
    /// The key to repeat or settle the request with; nil for a request without one.
    public let requestKey: RequestKey?
    /// What the service sent beside its refusal.
    public let metadata: Metadata
    /// How often the call was sent; 0 when it never was.
    public let attempts: Int

    public init(
        status: Status, certainty: Certainty, reason: Reason = .none, message: String,
        retryAfter: TimeAmount? = nil, details: FailureBody? = nil, requestKey: RequestKey? = nil,
        metadata: Metadata = Metadata(), attempts: Int = 0
    ) {
        self.status = status
        self.certainty = certainty
        self.reason = reason
        self.message = message
        self.retryAfter = retryAfter
        self.details = details
        self.requestKey = requestKey
        self.metadata = metadata
        self.attempts = attempts
    }
}

extension CallError: CustomStringConvertible {
    public var description: String {
        reason == .none
            ? "\(message) (\(status), \(certainty))" : "\(message) (\(status), \(reason), \(certainty))"
    }
}

extension CallError {
    /// The error of a call that ended without a yes. An answer whose body cannot be read costs its words and
    /// numbers only.
    init(_ outcome: Outcome, _ route: Route) {
        let ending = outcome.ending
        let details = outcome.answer.hasBody ? try? outcome.answer.body(as: FailureBody.self) : nil
        let hasKey = route.requestKey != 0
        self.init(
            status: ending.status, certainty: ending.certainty, reason: ending.reason,
            message: CallError.message(ending, details: details, hasKey: hasKey),
            retryAfter: ending.retryAfter > .zero ? ending.retryAfter : nil, details: details,
            requestKey: RequestKey(of: route),
            metadata: outcome.answer.metadata, attempts: Int(ending.attempts))
    }

    private static func message(_ ending: Ending, details: FailureBody?, hasKey: Bool) -> String {
        switch ending.cause {
        case .answer, .heldAnswer:
            let words = details?.message ?? ""
            let what = words.isEmpty ? "the call was refused" : words
            return ending.certainty == .maybeExecuted ? "\(what); \(advice(hasKey: hasKey))" : what
        case .deadline where ending.certainty == .notExecuted:
            return "no broker took the call before its deadline; check that one runs at the endpoints given"
        case .deadline: return "no answer came before the deadline; \(advice(hasKey: hasKey))"
        case .sessionLost:
            return "the connection to the broker was lost before the answer came; \(advice(hasKey: hasKey))"
        case .flowControl:
            return "the service sent an item out of order or beyond its credit; report this to its makers"
        case .itemsLost:
            return "items of the stream were lost on the way; \(advice(hasKey: hasKey))"
        case .cancellation where ending.certainty == .notExecuted:
            return "the calling task was cancelled before the call was sent; nothing has to be done"
        case .cancellation: return "the calling task was cancelled; \(advice(hasKey: hasKey))"
        case .closing where ending.certainty == .notExecuted:
            return "the client is closed; make a new one and call again"
        case .closing: return "the client was closed before the answer came; \(advice(hasKey: hasKey))"
        case .tooMany:
            return "too many calls are in flight; await some of them, or raise maximumCallsInFlight"
        case .tooLarge: return "the request is larger than \(Limits.messageSize) bytes; make it smaller"
        case .keyRefused:
            return "no broker knows this client's key for the clients' port; ask an operator to list it"
        case .badMetadata:
            return "the metadata is beyond its limits (\(Limits.metadataPairs) pairs, "
                + "\(Limits.metadataValueLength) bytes a value, \(Limits.metadataSize) bytes in all); send less"
        case .noSuchBroker: return "the client has no broker of that number; see its list `brokers`"
        }
    }

    /// What to do when the call may have run.
    private static func advice(hasKey: Bool) -> String {
        hasKey
            ? "repeat the call with the same request key, or settle the key"
            : "look up what has happened before repeating the call"
    }
}
