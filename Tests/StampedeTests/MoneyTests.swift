import Testing

@testable import stampede

@Suite struct MoneyTests {
    @Test(arguments: [
        ("19.99", "USD", 1_999), ("19.9", "USD", 1_990), ("19", "USD", 1_900), ("0", "EUR", 0),
        ("0.01", "EUR", 1), ("12000", "JPY", 12_000), ("1.234", "KWD", 1_234), ("1.2345", "CLF", 12_345),
        ("007.10", "USD", 710), ("92233720368547758.07", "USD", Int64.max),
    ])
    func `a price becomes whole minor units, exactly`(text: String, currency: String, units: Int64) throws {
        #expect(try Money.minorUnits(text, currency: currency) == units)
    }

    @Test(arguments: [
        ("", "USD"), (".", "USD"), (".5", "USD"), ("5.", "USD"), ("-1", "USD"), ("1,5", "USD"),
        ("1.234", "USD"), ("1.5", "JPY"), ("1e3", "USD"), ("٣", "USD"), ("1.2.3", "USD"),
        ("92233720368547758.08", "USD"), ("99999999999999999999", "JPY"),
    ])
    func `what is not a price is refused as a usage mistake`(text: String, currency: String) {
        let failure = #expect(throws: Failure.self) { try Money.minorUnits(text, currency: currency) }
        #expect(failure?.code == .usage)
        #expect(failure?.sentence.contains("‘\(text)’") == true)
    }

    @Test(arguments: [
        (1_999, "USD", "19.99 USD"), (5, "USD", "0.05 USD"), (12_000, "JPY", "12000 JPY"),
        (1_234, "KWD", "1.234 KWD"), (-150, "EUR", "-1.50 EUR"),
    ])
    func `minor units are written as people write prices`(units: Int64, currency: String, text: String) {
        #expect(Money.text(units, currency: currency) == text)
    }

    @Test(arguments: ["usd", "US", "USDT", "U$D", ""])
    func `a currency is three capital letters`(text: String) {
        #expect(throws: Failure.self) { try Money.check(currency: text) }
        #expect(throws: Never.self) { try Money.check(currency: "CNY") }
    }
}
