/// Keeps retries from multiplying the load of a service that is in trouble.
///
/// gRPC's retry throttling (grpc/proposal A6): ten tokens, one off per failure, a tenth back per success,
/// and no retry unless more than half are left. Attempts that certainly did not run cost nothing.
struct RetryBudget: Hashable, Sendable {
    /// In tenths of a token.
    private(set) var tenths = RetryBudget.maximum

    static let maximum = 100
    private static let failure = 10
    private static let success = 1

    var allowsRetry: Bool { tenths > RetryBudget.maximum / 2 }

    mutating func succeeded() { tenths = min(RetryBudget.maximum, tenths + RetryBudget.success) }
    mutating func failed() { tenths = max(0, tenths - RetryBudget.failure) }
}
