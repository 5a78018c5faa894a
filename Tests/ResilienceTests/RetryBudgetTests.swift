import Resilience
import Testing

@Suite struct RetryBudgetTests {
    private var budget = RetryBudget()

    @Test mutating func `outcomes refill the budget a tenth at a time`() {
        #expect(spendAll(callsInFlight: 0) == 10)
        for _ in 0..<9 { budget.succeeded(callsInFlight: 0) }
        #expect(spendAll(callsInFlight: 0) == 0)
        budget.succeeded(callsInFlight: 0)
        #expect(spendAll(callsInFlight: 0) == 1)
    }

    @Test mutating func `a budget shrinks with the calls in flight, and what was spent with it`() {
        #expect(spendAll(callsInFlight: 1_000) == 1_000)
        for _ in 0..<10 { budget.succeeded(callsInFlight: 5) }
        #expect(spendAll(callsInFlight: 5) == 1)
    }

    /// Spends all that there is, and says how much that was.
    private mutating func spendAll(callsInFlight: Int) -> Int {
        var tokens = 0
        while budget.spend(callsInFlight: callsInFlight) { tokens += 1 }
        return tokens
    }
}
