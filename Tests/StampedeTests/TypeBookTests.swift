import Methods
import Sales
import Testing
import Wire

@testable import stampede

@Suite struct TypeBookTests {
    private static let place = MethodDescription.ofSales.first { $0.name == "order.place" }!
    private static let create = MethodDescription.ofSales.first { $0.name == "sale.create" }!
    private static let many = MethodDescription.ofSales.first { $0.name == "order.place_many" }!
    private static let key = "00112233-4455-6677-8899-aabbccddeeff"

    @Test func `a request of JSON is what the typed body would be`() throws {
        let (value, made) = try TypeBook(Self.place).request(
            fromJSON: #"{"sale": 7, "buyer": 42, "quantity": 2, "key": "\#(Self.key)"}"#)
        #expect(made == nil)
        var writer = MessagePackWriter()
        value.encode(into: &writer)
        var offset = 0
        let body = try PlaceOrder(decoding: writer.bytes.span, at: &offset)
        #expect(body.sale.rawValue == 7 && body.buyer.rawValue == 42 && body.quantity == 2)
        #expect(body.key == RequestKey(rawValue: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff))
        let request = try AnyRequest(value, Self.place)
        #expect(request.route == body.route)
    }

    @Test func `a key that is left out is made, times are read, and lists within`() throws {
        let (value, made) = try TypeBook(Self.create).request(
            fromJSON: """
                {"sale": 7, "name": "Lamp", "price": 1, "currency": "EUR", "units": 1, "limit": 1,
                 "opens": "2030-01-31T10:00:00Z", "closes": null}
                """)
        #expect(made != nil)
        #expect(value["opens"] == .int(1_896_084_000_000_000))
        #expect(value["closes"] == nil)
        let (many, _) = try TypeBook(Self.many).request(
            fromJSON: #"{"sale": 7, "orders": [{"buyer": 1, "quantity": 1, "key": "a"}]}"#)
        guard case .array(let orders)? = many["orders"] else {
            Issue.record("orders are a list")
            return
        }
        #expect(orders[0]["key"] == .binary(Array(repeating: 0, count: 15) + [10]))
    }

    @Test(arguments: [
        ("{", "is not JSON"), ("[]", "is not a JSON object"), (#"{"sale": "x"}"#, "must be a whole number"),
        (#"{"sale": 1.5}"#, "must be a whole number"), (#"{"sael": 1}"#, "has no field ‘sael’"),
        (#"{"sale": 1, "buyer": 1}"#, "‘quantity’ is missing"),
        (#"{"sale": 1, "buyer": 1, "quantity": 1, "key": "xyz"}"#, "not a request key"),
        (#"{"sale": 1, "buyer": 1, "quantity": 1, "key": 5}"#, "‘key’ must be a string"),
    ])
    func `what does not fit is named`(json: String, words: String) {
        do {
            _ = try TypeBook(Self.place).request(fromJSON: json)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .usage)
            #expect(error.sentence.contains(words), "\(error.sentence)")
        }
    }

    @Test func `a reply is written with its keys and times as people write them`() {
        let book = TypeBook(Self.place)
        let reply = MessagePackValue.map([
            .init("order", "12-4711"), .init("key", .binary([UInt8](0...15))),
            .init("placed", 1_764_000_000_125_000), .init("new", .binary([0xff])),
        ])
        #expect(
            book.json(reply, as: "Order").text
                == #"{"order":"12-4711","key":"00010203-0405-0607-0809-0a0b0c0d0e0f","#
                + #""placed":"2025-11-24T16:00:00.125Z","new":"ff"}"#)
    }

    @Test func `a partition method is routed by its partition or its order`() throws {
        func route(_ name: String, _ json: String) throws -> RoutingKey {
            let description = try #require(MethodDescription.ofSales.first { $0.name == name })
            return try AnyRequest(TypeBook(description).request(fromJSON: json).0, description).route.routing
        }
        #expect(try route("order.get", #"{"order": "12-4711"}"#) == RoutingKey(sale: 12, lane: 0))
        #expect(try route("sale.list", #"{"partition": 3}"#) == RoutingKey(sale: 3, lane: 0))
        #expect(try route("sale.get", #"{"sale": 9, "lane": 2}"#) == RoutingKey(sale: 9, lane: 2))
        #expect(try route("worker.ping", "{}") == RoutingKey(sale: 0, lane: 0))
    }
}
