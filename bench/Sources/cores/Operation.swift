import Methods
import Sales
import Wire

/// A loop over one operation. Every loop feeds its results to `consume`, so that nothing is optimised away.
struct Operation {
    let name: String
    let title: String
    /// Nanoseconds that it is promised to stay below, if any.
    var promise: Int?
    /// Sets up for so many operations and returns what does them.
    let prepare: (_ count: Int) -> () -> Void

    static var all: [Operation] { headers + bodies + books + guards }

    @inline(never)
    @_optimize(none)
    static func consume(_ value: some Any) {}

    // MARK: Headers

    private static let request = PlaceOrder(
        sale: SaleID(rawValue: 4_711), buyer: BuyerID(rawValue: 1_234_567), quantity: 1,
        key: RequestKey(rawValue: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))

    private static var header: Header {
        var header = Header(.call)
        header.flags = [.end, .keyed]
        header.method = OrderMethods.place.id
        header.routing = RoutingKey(sale: 4_711, lane: 0)
        header.requestKey = request.key.rawValue
        return header
    }

    private static var headers: [Operation] {
        [
            Operation(name: "header.decode", title: "Header: decode") { count in
                let frame = Frame.encode(header, body: request)
                return {
                    var sum: UInt64 = 0
                    for _ in 0..<count { sum &+= decoded(frame).callID }
                    consume(sum)
                }
            },
            Operation(name: "header.encode", title: "Header: encode") { count in
                var (header, frame) = (header, Frame.encode(header, body: request))
                return {
                    for index in 0..<count {
                        header.callID = UInt64(index)
                        var span = frame.mutableSpan
                        header.encode(into: &span)
                    }
                    consume(frame[8])
                }
            },
        ]
    }

    private static func decoded(_ frame: [UInt8]) -> Header {
        do {
            return try Header(decoding: frame.span)
        } catch {
            fatalError("a frame of ours cannot be read: \(error)")
        }
    }

    // MARK: Bodies

    private static let order = Order(
        id: OrderID(partition: Partition(rawValue: 12), sequence: 987_654), sale: request.sale, lane: .only,
        buyer: request.buyer, key: request.key, quantity: 1, amount: 1_999, currency: "USD",
        placedAt: LedgerTime(rawValue: 1_700_000_000_000_000))

    private static var bodies: [Operation] {
        [
            Operation(name: "body.decode", title: "order.place: decode the body") { count in
                let (header, frame) = (header, Frame.encode(header, body: request))
                return {
                    var sum: Int64 = 0
                    for _ in 0..<count { sum &+= Int64(decodedBody(frame, header).quantity) }
                    consume(sum)
                }
            },
            Operation(name: "body.encode", title: "order.place: encode the body") { count in
                { encode(request, times: count) }
            },
            Operation(name: "reply.encode", title: "order.place: encode the reply") { count in
                { encode(order, times: count) }
            },
        ]
    }

    private static func decodedBody(_ frame: [UInt8], _ header: Header) -> PlaceOrder {
        do {
            return try Frame.decodeBody(frame.span, header: header, as: PlaceOrder.self)
        } catch {
            fatalError("a frame of ours cannot be read: \(error)")
        }
    }

    private static func encode(_ body: some MessageBody, times count: Int) {
        var writer = MessagePackWriter()
        var sum = 0
        for _ in 0..<count {
            writer.removeAll()
            body.encode(into: &writer)
            sum &+= writer.bytes.count
        }
        consume(sum)
    }

    // MARK: Books

    private static let now = LedgerInstant(
        earliest: LedgerTime(rawValue: 1_000_000), latest: LedgerTime(rawValue: 1_000_100))

    private static func makeBook(units: Int32) -> Book {
        var book = Book(partition: Partition(rawValue: 0))
        _ = book.decide(
            CreateSale(
                sale: request.sale, key: RequestKey(rawValue: 1), name: "bench", price: 1_999,
                currency: "USD", units: units, limit: 10),
            at: now)
        book.commit(to: book.last)
        return book
    }

    private static var books: [Operation] {
        [
            Operation(name: "book.decide", title: "Book: decide and commit a new order") { count in
                var book = makeBook(units: 100_000_000)
                return {
                    for index in 0..<count {
                        var place = request
                        place.buyer = BuyerID(rawValue: Int64(index + 1))
                        place.key = RequestKey(rawValue: UInt128(index + 2))
                        _ = book.decide(place, at: now)
                        if index % 512 == 511 { book.commit(to: book.last) }
                    }
                    consume(book.last)
                }
            },
            Operation(name: "book.refuse", title: "Book: refuse when sold out") { count in
                var book = makeBook(units: 1)
                _ = book.decide(request, at: now)
                return {
                    var refused = 0
                    for index in 0..<count {
                        var place = request
                        place.buyer = BuyerID(rawValue: Int64(index + 2))
                        if case .refused = book.decide(place, at: now) { refused += 1 }
                    }
                    consume(refused)
                }
            },
        ]
    }
}
