package import Methods
public import Wire

/// Why a call was not answered with a reply. Handlers throw it to say so in the words of the protocol.
public struct Failure: Error, Hashable, Sendable {
    public var status: Status
    /// Whether the call ran. A handler that refuses before it has changed anything says `notExecuted`, and the
    /// caller may try again as its rules allow; the default is final.
    public var certainty: Certainty
    public var reason: Reason
    /// One sentence for people that says what to do next; cut after 1,024 bytes.
    public var message: String
    /// Anything that programs should know beyond that.
    public var details: MessagePackValue?
    /// When it makes sense to call again; nil says nothing about it.
    public var retryAfter: TimeAmount?
    /// The numbers that belong to a reason of the sales' own.
    private var numbers: FailureBody?

    public init(
        _ status: Status, _ message: String, certainty: Certainty = .executed, reason: Reason = .none,
        details: MessagePackValue? = nil, retryAfter: TimeAmount? = nil
    ) {
        precondition(status != .ok, "a failure cannot be ok: '\(message)'")
        self.status = status
        self.certainty = certainty
        self.reason = reason
        self.message = message
        self.details = details
        self.retryAfter = retryAfter
    }

    /// A refusal of a sale.
    package init(_ status: Status, _ certainty: Certainty, _ reason: Reason, _ body: FailureBody) {
        self.init(status, body.message, certainty: certainty, reason: reason)
        numbers = body
    }

    /// What the caller is told when a handler throws this error. Words of an error that is no `Failure` stay
    /// in the service: they may tell more than a stranger should know.
    public init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case is CancellationError:
            self.init(.cancelled, "The call was cancelled while it ran.", certainty: .maybeExecuted)
        default:
            self.init(.unknown, "The handler failed; the service's log says why.")
        }
    }
}

extension Failure: CustomStringConvertible {
    public var description: String {
        reason == .none
            ? "\(message) (\(status), \(certainty))" : "\(message) (\(status), \(reason), \(certainty))"
    }
}

extension Failure {
    /// A request that cannot be read, so that nothing was done.
    @usableFromInline
    static func malformed(_ what: String, _ error: some Error) -> Failure {
        Failure(
            .invalidArgument,
            "The \(what) cannot be read: \(error). Compare it with the method's description.",
            certainty: .notExecuted, reason: .malformed)
    }

    /// Appends a FailureBody.
    func encode(into writer: inout MessagePackWriter) {
        if let numbers { return numbers.encode(into: &writer) }
        writer.map(details == nil ? 1 : 2)
        writer.string("message")
        writer.string(cutMessage)
        guard let details else { return }
        writer.string("details")
        details.encode(into: &writer)
    }

    private var cutMessage: String {
        guard message.utf8.count > Limits.failureTextLength else { return message }
        // Whole characters: a cut inside one would be no UTF-8.
        var length = 0
        return String(
            message.prefix { character in
                length += character.utf8.count
                return length <= Limits.failureTextLength
            })
    }

    /// Says in a RESULT how the call ended.
    func fill(_ header: inout Header) {
        header.status = status
        header.certainty = certainty
        header.reason = reason
        header.milliseconds = UInt32(clamping: retryAfter?.milliseconds ?? 0)
    }
}
