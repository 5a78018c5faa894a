public import Wire

/// What one call may cost.
public struct CallOptions: Sendable {
    /// The call ends within this, retries included; 300 seconds at most (`Limits.longestDeadline`).
    public var deadline: TimeAmount
    /// Attempts, the first included, 1 ... 15. gRPC's own limit is 5 (grpc/proposal A6).
    public var maximumAttempts: Int
    /// Asks only this broker, by its place in the list that the client was made with.
    public var broker: Int?

    public init(deadline: TimeAmount = .seconds(5), maximumAttempts: Int = 5, broker: Int? = nil) {
        precondition(
            1...CallID.maximumAttempt ~= maximumAttempts,
            "a call gets 1 to \(CallID.maximumAttempt) attempts, not \(maximumAttempts)")
        self.deadline = min(deadline, Limits.longestDeadline)
        self.maximumAttempts = maximumAttempts
        self.broker = broker
    }
}
