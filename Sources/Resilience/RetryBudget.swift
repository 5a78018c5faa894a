/// Keeps retries and hedges from multiplying the load of a service that is in trouble. One for each dependency.
///
/// Every retry after *maybe* and every hedge takes a token; every outcome gives a tenth of one back, as in
/// gRPC's retry throttling (grpc/proposal A6). Unlike there, as many tokens exist as calls are in flight: the
/// loss of one worker hits many calls at once and lets each of them be repeated once, while a service that
/// goes on failing is asked once more for ten outcomes that it had.
public struct RetryBudget: Hashable, Sendable {
    /// In tenths of a token.
    public private(set) var spent = 0

    public init() {}

    /// Tokens that exist however few calls are in flight.
    public static let smallest = 10
    private static let token = 10

    private static func size(_ callsInFlight: Int) -> Int { max(smallest, callsInFlight) * token }

    /// Takes a token, or returns false when all are spent.
    public mutating func spend(callsInFlight: Int) -> Bool {
        guard spent + RetryBudget.token <= RetryBudget.size(callsInFlight) else { return false }
        spent += RetryBudget.token
        return true
    }

    /// The service had an outcome, whatever it was.
    public mutating func succeeded(callsInFlight: Int) {
        guard spent > 0 else { return }
        // With fewer calls in flight there are fewer tokens to win back.
        spent = min(spent, RetryBudget.size(callsInFlight)) - 1
    }
}
