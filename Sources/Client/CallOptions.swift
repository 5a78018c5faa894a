public import Wire

/// What one call may cost, and what it carries beside its request.
public struct CallOptions: Sendable {
    /// The call ends within this, retries included. Left out: 5 seconds for a unary call, none for a stream.
    /// A unary call gets 300 seconds at most (`Limits.longestDeadline`).
    public var deadline: TimeAmount?
    /// Attempts, the first included, 1 ... 15. gRPC's own limit is 5 (grpc/proposal A6).
    public var maximumAttempts: Int
    /// Asks only this broker, by its place in the list that the client was made with.
    public var broker: Int?
    /// Goes to the service beside the request: at most 64 pairs and 8,192 bytes.
    public var metadata = Metadata()
    /// When a unary call that may be repeated asks a second broker, too.
    public var hedge = Hedge.never
    /// The request may run twice without harm, although it has no request key and is no look-up of ours.
    public var isIdempotent = false
    /// Whether large bodies are compressed on the wire.
    public var compression = BodyCompression.none
    /// Items of a stream that may wait for their reader, 16 ... 1,024. More keep a fast stream flowing; each may
    /// have 64 KiB.
    public var window = Int(Limits.initialCredit) {
        didSet { CallOptions.check(window: window) }
    }

    public init(
        deadline: TimeAmount? = nil, maximumAttempts: Int = 5, broker: Int? = nil,
        metadata: Metadata = Metadata(), hedge: Hedge = .never, compression: BodyCompression = .none
    ) {
        precondition(
            1...CallID.maximumAttempt ~= maximumAttempts,
            "a call gets 1 to \(CallID.maximumAttempt) attempts, not \(maximumAttempts)")
        self.deadline = deadline
        self.maximumAttempts = maximumAttempts
        self.broker = broker
        self.metadata = metadata
        self.hedge = hedge
        self.compression = compression
    }

    private static func check(window: Int) {
        precondition(
            Int(Limits.initialCredit)...Int(Limits.largestCredit) ~= window,
            "a window has 16 to 1,024 items, not \(window)")
    }

    /// What a unary call gets when its caller says nothing.
    static let unaryDeadline = TimeAmount.seconds(5)

    /// When the call is over.
    func end(ofStream isStream: Bool, now: MonotonicTime) -> MonotonicTime {
        guard isStream else {
            return now + min(deadline ?? CallOptions.unaryDeadline, Limits.longestDeadline)
        }
        // 32 bits of milliseconds are what the header holds.
        return deadline.map { now + min($0, .milliseconds(Int64(UInt32.max))) } ?? .distantFuture
    }
}
