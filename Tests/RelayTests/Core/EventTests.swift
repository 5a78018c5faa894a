import Foundation
import Ledger
import Sales
import Testing

@testable import Relay

@Suite struct EventTests {
    static let terms = SaleTerms(
        name: "Sneaker", price: 8_990, currency: "EUR", limit: 2, opensAt: LedgerTime(rawValue: 0),
        closesAt: nil, hold: 900)

    static func entry(
        _ kind: Entry.Kind, _ sequence: Int64, about: Int64 = 0, key: UInt128 = 7, quantity: Int32 = 0,
        terms: SaleTerms? = nil, note: EntryNote? = nil
    ) -> Entry {
        Entry(
            kind: kind, sequence: sequence, sale: SaleID(rawValue: 9_007_199_254_740_993), lane: .only,
            buyer: BuyerID(rawValue: 42), key: RequestKey(rawValue: key), quantity: quantity,
            amount: Int64(quantity) * 8_990, at: LedgerTime(rawValue: 1_900_000_000_000_250), about: about,
            terms: terms, note: note)
    }

    static func tell(
        _ entries: [Entry], after histories: [OrderID: OrderHistory] = [:]
    ) throws -> [Event] {
        var teller = Teller()
        _ = teller.needs([Partition(rawValue: 3): entries])
        return try teller.tell(entries, of: Partition(rawValue: 3), after: histories)
    }

    @Test func `an order that is placed and paid becomes two events, byte for byte`() throws {
        let events = try Self.tell([
            Self.entry(.saleCreated, 1, quantity: 10, terms: Self.terms),
            Self.entry(.orderPlaced, 2, quantity: 2), Self.entry(.paymentBegun, 3, about: 2, key: 8),
        ])
        let texts = events.map { String(decoding: $0.json(source: "/stampede/shop"), as: UTF8.self) }
        #expect(
            texts[1]
                == #"{"specversion":"1.0","id":"3-2","source":"/stampede/shop","type":"stampede.order.placed","subject":"3-2","time":"2030-03-17T17:46:40.000250Z","datacontenttype":"application/json","partition":3,"sequence":2,"orderversion":1,"data":{"sale":"9007199254740993","lane":0,"buyer":"42","order":"3-2","version":1,"state":"reserved","units":2,"price":"8990","currency":"EUR","amount":"17980","key":"00000000-0000-0000-0000-000000000007","until":"2030-03-17T18:01:40.000250Z"}}"#
        )
        #expect(texts[2].contains(#""type":"stampede.payment.begun","subject":"3-2""#))
        #expect(texts[2].contains(#""version":2,"state":"paying""#))
        #expect(texts[2].contains(#""attempt":"00000000-0000-0000-0000-000000000008""#))
        for text in texts {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
        }
    }

    @Test func `an order that was placed before the chunk goes on from its history`() throws {
        let id = OrderID(partition: Partition(rawValue: 3), sequence: 2)
        let history = OrderHistory(
            placing: Self.entry(.orderPlaced, 2, quantity: 2),
            later: [Self.entry(.paymentBegun, 3, about: 2, key: 8)])
        let late = Self.entry(.paymentTaken, 90, about: 2, key: 8)
        let event = try #require(try Self.tell([late], after: [id: history]).first)
        #expect(event.order?.life.version == 3)
        #expect(event.order?.life.state == .paid)
        #expect(event.order?.before?.state == .paying)
        let error = #expect(throws: Teller.UnknownOrder.self) { try Self.tell([late]) }
        #expect(error?.order == id)
    }

    @Test func `an order for which somebody waited is an offer, and names the wait`() throws {
        let events = try Self.tell([
            Self.entry(.saleCreated, 1, quantity: 10, terms: Self.terms),
            Self.entry(.waitBegun, 2, quantity: 2), Self.entry(.waitBegun, 3, key: 9, quantity: 1),
            Self.entry(.orderPlaced, 4, about: 2, quantity: 2), Self.entry(.waitRanOut, 5, about: 3, key: 9),
        ])
        #expect(events.map(\.subject).dropFirst() == ["wait/3-2", "wait/3-3", "3-4", "wait/3-3"])
        let offer = try #require(events[3].order)
        #expect(offer.life.version == 1)
        #expect(String(decoding: events[3].json(source: "/s"), as: UTF8.self).contains(#""wait":"3-2""#))
        #expect(String(decoding: events[4].json(source: "/s"), as: UTF8.self).contains(#""wait":"3-3""#))
        let held = Int64(min(Bounds.offer, 900)) * 1_000_000
        #expect(offer.life.until?.rawValue == events[3].entry.at.rawValue + held)
        // The same from its history, where the entry that placed it is about the wait.
        let history = OrderHistory(placing: events[3].entry, later: [])
        let later = try Self.tell(
            [
                Self.entry(.limitChanged, 89, quantity: 2, terms: Self.terms),
                Self.entry(.paymentBegun, 90, about: 4, key: 8),
            ], after: [offer.id: history])
        #expect(later.last?.order?.life.version == 2)
        #expect(later.last?.order?.before?.until == offer.life.until)
    }

    @Test func `a note may hold anything and nothing breaks the JSON`() throws {
        let note = EntryNote(actor: "a\"\\\u{1}\n", reason: "日本 \u{1F600}")
        let events = try Self.tell([
            Self.entry(.orderPlaced, 1, quantity: 1),
            Self.entry(.orderCancelled, 2, about: 1, quantity: 1, note: note),
        ])
        let object =
            try JSONSerialization.jsonObject(with: Data(events[1].json(source: "/s"))) as? [String: Any]
        let data = try #require(object?["data"] as? [String: Any])
        #expect(data["actor"] as? String == note.actor)
        #expect(data["reason"] as? String == note.reason)
        #expect(data["state"] as? String == "cancelled")
    }

    @Test func `times are those of the calendar`() throws {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)
        for day in stride(from: Int64(-40_000), through: 60_000, by: 17) {
            let seconds = day * 86_400 + (day & 0xffff) % 86_400
            let text = String(
                decoding: Timestamp.text(LedgerTime(rawValue: seconds * 1_000_000)), as: UTF8.self)
            let date = Date(timeIntervalSince1970: Double(seconds)).formatted(style)
            #expect(text == date.replacingOccurrences(of: "000Z", with: "000000Z"))
        }
    }

    @Test func `every kind of entry has its type in the page, and every type there has a kind`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/events.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `stampede.") }
        let table = Set(
            rows.compactMap { row -> String? in
                let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                return "\(cells[0].filter { $0 != "`" }) \(cells[1])"
            })
        #expect(table == Set(Entry.Kind.allCases.map { "\(EventType.name($0)) \($0.rawValue)" }))
    }

    @Test func `no wave has two events of an order, and each keeps its order`() throws {
        let events = try Self.tell([
            Self.entry(.orderPlaced, 1, quantity: 1), Self.entry(.orderPlaced, 2, quantity: 1),
            Self.entry(.paymentBegun, 3, about: 1), Self.entry(.orderPlaced, 4, quantity: 1),
            Self.entry(.paymentTaken, 5, about: 1),
        ])
        #expect(Waves.divide(events).map { $0.map(\.entry.sequence) } == [[1, 2, 4], [3], [5]])
    }
}
