import Notifications
import Sales
import Testing

@Suite struct OrderEventTests {
    static func json(_ type: String = "stampede.order.placed", data: String? = nil, id: String = "12-4711")
        -> [UInt8]
    {
        let data =
            data
            ?? #"{"sale": 7, "lane": 0, "buyer": "9007199254740993", "order": "12-4711", "version": 1, "state": "reserved", "units": 2, "until": "2026-06-18T20:15:00.5Z"}"#
        return Array(
            #"{"specversion": "1.0", "id": "\#(id)", "source": "/stampede/x", "type": "\#(type)", "subject": "12-4711", "time": "2026-06-18T20:00:00.000001Z", "partition": 12, "sequence": 4711, "data": \#(data)}"#
                .utf8)
    }

    @Test func `an event of an order is read, with a buyer above 2^53 as a string`() throws {
        guard case .order(let event) = OrderEvent.read(OrderEventTests.json()) else {
            Issue.record("not read: \(OrderEvent.read(OrderEventTests.json()))")
            return
        }
        #expect(event.id == "12-4711")
        #expect(event.occasion == .placed)
        #expect(event.buyer == BuyerID(rawValue: 9_007_199_254_740_993))
        #expect(event.units == 2)
        #expect(event.until == CivilTime("2026-06-18T20:15:00.5Z"))
        #expect(event.time.microseconds == 1_781_812_800_000_001)
    }

    @Test(arguments: [
        ("stampede.order.placed", Occasion.placed), ("stampede.payment.taken", .paid),
        ("stampede.payment.taken_late", .paid), ("stampede.order.expired", .expired),
        ("stampede.order.cancelled", .cancelled), ("stampede.refund.done", .refunded),
    ])
    func `buyers hear of what changes their order`(type: String, occasion: Occasion) {
        guard case .order(let event) = OrderEvent.read(OrderEventTests.json(type)) else {
            Issue.record("not read")
            return
        }
        #expect(event.occasion == occasion)
    }

    @Test(arguments: ["stampede.payment.begun", "stampede.sale.created", "stampede.something.new"])
    func `buyers do not hear of the rest`(type: String) {
        #expect(OrderEvent.read(OrderEventTests.json(type)) == .other)
    }

    @Test func `an order out of the waiting list is an offer`() {
        let bytes = OrderEventTests.json(
            data: #"{"sale": 7, "buyer": 3, "order": "1-2", "units": 1, "wait": "1-1"}"#)
        guard case .order(let event) = OrderEvent.read(bytes) else {
            Issue.record("not read")
            return
        }
        #expect(event.occasion == .offered)
    }

    @Test(arguments: [
        "", "{", "[]", #"{"specversion": "0.3"}"#,
        "{\"specversion\": \"1.0\", \"type\": \"stampede.order.placed\"}",
        String(decoding: json(data: #"{"sale": 7}"#), as: UTF8.self),
        String(decoding: json(id: "a b"), as: UTF8.self),
        String(decoding: json(id: "a\\r\\nBcc: x"), as: UTF8.self),
        String(decoding: json(id: String(repeating: "1", count: 65)), as: UTF8.self),
    ])
    func `what is no event is told so`(text: String) {
        guard case .unreadable(let why) = OrderEvent.read(Array(text.utf8)) else {
            Issue.record("it was read")
            return
        }
        #expect(!why.isEmpty)
    }
}

@Suite struct JSONValueTests {
    @Test(arguments: [
        (
            #"{"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00", true, null]}"#,
            JSONValue.object([
                "a": .array([.integer(1), .decimal(-2_500), .string("x\né😀"), .bool(true), .null])
            ])
        ),
        ("  7 ", .integer(7)), ("[]", .array([])), ("{}", .object([:])), (#""\/""#, .string("/")),
    ])
    func `values are read`(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)) == value)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "01", "1 2", "\"", "\"\u{1}\"", #""\x""#, #""\ud800""#, "nul", "-", "1.e",
        "{a: 1}",
        String(repeating: "[", count: 100),
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONValue.Mistake.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: JSONValue.Mistake.self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
    }
}
