import Testing

@testable import Sandbox

@Suite struct ChargeBookTests {
    private var book = ChargeBook()
    private static let attempt = String(repeating: "0", count: 31) + "1"

    private func ask(_ attempt: String = attempt, amount: String = "100", token: SandboxToken = .ok)
        -> ChargeAsk
    {
        ChargeAsk(attempt: attempt, amount: amount, currency: "EUR", order: "1-2", token: token.rawValue)
    }

    @Test mutating func `an attempt is charged once, whoever asks again`() throws {
        let first = try book.charge(ask(), .taken)
        let again = try book.charge(ask(), .declined)
        #expect(first.isNew && !again.isNew && again.charge == first.charge && book.count == 1)
        let other = ask(amount: "101")
        var copy = book
        #expect(throws: ChargeBook.Refusal.contentDiffers) { try copy.charge(other, .taken) }
    }

    @Test mutating func `what was cancelled before it came is never charged`() throws {
        let cancelled = try book.cancel(Self.attempt)
        let late = try book.charge(ask(), .taken)
        #expect(cancelled.charge.status == .declined && late.charge.status == .declined && !late.isNew)
    }

    @Test mutating func `what was taken is not cancelled, and is given back once`() throws {
        _ = try book.charge(ask(), .taken)
        let cancelled = try book.cancel(Self.attempt)
        #expect(cancelled.charge.status == .taken && !cancelled.isNew)
        let (refund, again) = (try book.refund(Self.attempt), try book.refund(Self.attempt))
        #expect(refund.charge.refunded && refund.isNew && !again.isNew)
    }

    @Test mutating func `nothing is given back that was not taken`() throws {
        _ = try book.charge(ask(), .declined)
        var copy = book
        #expect(throws: ChargeBook.Refusal.nothingTaken) { try copy.refund(Self.attempt) }
        #expect(throws: ChargeBook.Refusal.nothingTaken) { try copy.refund("unknown") }
    }

    @Test mutating func `what is pending is decided once`() throws {
        _ = try book.charge(ask(token: .pending), .pending)
        #expect(book.take(Self.attempt)?.status == .taken && book.take(Self.attempt) == nil)
    }

    @Test mutating func `pages end where the charges end`() throws {
        for number in 0..<5 {
            _ = try book.charge(ask(String(repeating: "0", count: 31) + "\(number)"), .taken)
        }
        let (first, rest) = (book.page(after: 0, limit: 3), book.page(after: 3, limit: 3))
        #expect(first.charges.count == 3 && first.next == 3 && rest.charges.count == 2 && rest.next == nil)
        #expect(book.page(after: 9, limit: 3).charges.isEmpty)
    }

    @Test(arguments: [
        ChargeAsk(attempt: "1", amount: "1", order: "1-2", token: "tok_ok"),
        ChargeAsk(attempt: attempt, amount: "-1", order: "1-2", token: "tok_ok"),
        ChargeAsk(attempt: attempt, amount: "1.5", order: "1-2", token: "tok_ok"),
        ChargeAsk(attempt: attempt, amount: "1", order: "", token: "tok_ok"),
        ChargeAsk(attempt: attempt, amount: "1", order: "1-2", token: "card"),
    ]) func `a mistake is told`(ask: ChargeAsk) { #expect(ask.mistake != nil) }
}
