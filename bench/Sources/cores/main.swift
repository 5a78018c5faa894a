// What an order costs in each part, without I/O. Every loop feeds its result to `sink`, so that nothing is
// optimised away; the best of five rounds is printed, as the others met more of the machine's noise.

import Methods
import Sales
import Wire

var sink: UInt64 = 0

func measure(_ name: String, operations: Int, _ body: (Int) throws -> Void) rethrows {
    var best = Duration.seconds(3_600)
    for round in 0..<5 {
        let time = try ContinuousClock().measure { try body(round) }
        best = min(best, time)
    }
    let nanoseconds = Double(best.components.attoseconds) / 1e9 + Double(best.components.seconds) * 1e9
    let each = nanoseconds / Double(operations)
    print(name.padded(44) + String(Int(each.rounded())).leftPadded(8) + " ns")
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

let operations = 200_000
let request = PlaceOrder(
    sale: SaleID(rawValue: 4_711), buyer: BuyerID(rawValue: 1_234_567), quantity: 1,
    key: RequestKey(rawValue: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
var header = Header(.call)
header.flags = [.end, .keyed]
header.method = OrderMethods.place.id
header.routing = RoutingKey(sale: 4_711, lane: 0)
header.requestKey = request.key.rawValue
var frame = Frame.encode(header, body: request)

try measure("Header: decode", operations: operations) { _ in
    for _ in 0..<operations {
        sink &+= try Header(decoding: frame.span).requestKey.hashValue.magnitude > 0 ? 1 : 0
    }
}
measure("Header: encode", operations: operations) { _ in
    for index in 0..<operations {
        header.callID = UInt64(index)
        var span = frame.mutableSpan
        header.encode(into: &span)
    }
}
try measure("order.place: decode the body", operations: operations) { _ in
    for _ in 0..<operations {
        sink &+= UInt64(try Frame.decodeBody(frame.span, header: header, as: PlaceOrder.self).quantity)
    }
}
var writer = MessagePackWriter()
measure("order.place: encode the body", operations: operations) { _ in
    for _ in 0..<operations {
        writer.removeAll()
        request.encode(into: &writer)
        sink &+= UInt64(writer.bytes.count)
    }
}
let order = Order(
    id: OrderID(partition: Partition(rawValue: 12), sequence: 987_654), sale: request.sale, lane: .only,
    buyer: request.buyer, key: request.key, quantity: 1, amount: 1_999, currency: "USD",
    placedAt: LedgerTime(rawValue: 1_700_000_000_000_000))
measure("order.place: encode the reply", operations: operations) { _ in
    for _ in 0..<operations {
        writer.removeAll()
        order.encode(into: &writer)
        sink &+= UInt64(writer.bytes.count)
    }
}

let now = LedgerInstant(
    earliest: LedgerTime(rawValue: 1_000_000), latest: LedgerTime(rawValue: 1_000_100))
func makeBook(units: Int32) -> Book {
    var book = Book(partition: Partition(rawValue: 0))
    _ = book.decide(
        CreateSale(
            sale: request.sale, key: RequestKey(rawValue: 1), name: "bench", price: 1_999, currency: "USD",
            units: units, limit: 10),
        at: now)
    book.commit(to: book.last)
    return book
}
measure("Book: decide and commit a new order", operations: operations) { _ in
    var book = makeBook(units: 1_000_000)
    for index in 0..<operations {
        var place = request
        place.buyer = BuyerID(rawValue: Int64(index + 1))
        place.key = RequestKey(rawValue: UInt128(index + 2))
        _ = book.decide(place, at: now)
        if index % 512 == 511 { book.commit(to: book.last) }
    }
    sink &+= UInt64(book.last)
}
measure("Book: refuse when sold out", operations: operations) { _ in
    var book = makeBook(units: 1)
    _ = book.decide(request, at: now)
    for index in 0..<operations {
        var place = request
        place.buyer = BuyerID(rawValue: Int64(index + 2))
        if case .refused = book.decide(place, at: now) { sink &+= 1 }
    }
}
print("(checksum \(sink))")
