import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// The answers to a call of several orders.
@Suite struct GatheringTests {
    private let order = Order(
        id: OrderID(partition: Partition(rawValue: 0), sequence: 2), sale: SaleID(rawValue: 7), lane: .only,
        buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: 9), quantity: 1, amount: 100, currency: "EUR",
        placedAt: LedgerTime(rawValue: 1))

    /// Otherwise a call that fails as a whole could be taken for none of its orders.
    @Test func `a call of which one order was placed may have run, however many were not decided`() {
        var gathering = Gathering(count: 3, isRetry: true)
        #expect(!gathering.hasPlaced)
        gathering.answers[0] = .refused(.unavailable, .ledgerUnavailable, FailureBody(message: "later"))
        gathering.answers[1] = .refused(.failedPrecondition, .soldOut, FailureBody(message: "no"))
        #expect(!gathering.hasPlaced)
        gathering.answers[2] = .placed(order)
        #expect(gathering.hasPlaced)
    }
}
