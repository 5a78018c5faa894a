public import Sales
public import Wire

/// Several orders of one sale in one call, for edges that aggregate buyers. Each order is decided by itself and
/// has an answer of its own; the call's own key only names the call.
public struct PlaceMany: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    public var key: RequestKey
    public var orders: [OrderRequest]

    /// What fits in one message, answers included.
    public static let maximum = 256

    public init(sale: SaleID, lane: Lane = .only, key: RequestKey, orders: [OrderRequest]) {
        self.sale = sale
        self.lane = lane
        self.key = key
        self.orders = orders
    }
}

/// One of the orders of a call: everything that the call does not say for all.
public struct OrderRequest: Hashable, Sendable {
    public var buyer: BuyerID
    public var quantity: Int32
    public var key: RequestKey

    public init(buyer: BuyerID, quantity: Int32 = 1, key: RequestKey) {
        self.buyer = buyer
        self.quantity = quantity
        self.key = key
    }
}

public struct PlacedMany: Hashable, Sendable {
    /// In the order of the requests.
    public var answers: [PlacedAnswer]
    public init(answers: [PlacedAnswer]) { self.answers = answers }
}

/// How one of several orders ended. A refusal with the status `unavailable` or `resourceExhausted` means that it
/// was not decided, by nobody, and may be asked for again with the same key. When an earlier attempt may have decided
/// it the whole call fails instead, as one that may have run.
public enum PlacedAnswer: Hashable, Sendable {
    case placed(Order)
    case refused(Status, Reason, FailureBody)
}

extension PlaceMany: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        var key: RequestKey?
        var orders: [OrderRequest] = []
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.orders:
                let start = offset
                let count = try bytes.readArrayCount(at: &offset)
                guard 1...PlaceMany.maximum ~= count else {
                    throw WireError(.badValue, at: start, field: "orders")
                }
                orders.reserveCapacity(count)
                for _ in 0..<count { orders.append(try OrderRequest(decoding: bytes, at: &offset)) }
            default: return false
            }
            return true
        }
        guard !orders.isEmpty else { throw WireError(.missingField, at: offset, field: "orders") }
        self.init(
            sale: try sale.orMissing("sale", offset), lane: lane, key: try key.orMissing("key", offset),
            orders: orders)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(lane == .only ? 3 : 4)
        writer.string("sale")
        writer.integer(sale.rawValue)
        if lane != .only {
            writer.string("lane")
            writer.integer(Int64(lane.rawValue))
        }
        writer.string("key")
        writer.key(key.rawValue)
        writer.string("orders")
        writer.array(orders.count)
        for order in orders { order.encode(into: &writer) }
    }
}

extension OrderRequest: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var buyer: BuyerID?
        var quantity: Int32?
        var key: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.quantity:
                quantity = try bytes.readInteger(at: &offset, as: Int32.self, field: "quantity")
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            buyer: try buyer.orMissing("buyer", offset), quantity: try quantity.orMissing("quantity", offset),
            key: try key.orMissing("key", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("quantity")
        writer.integer(Int64(quantity))
        writer.string("key")
        writer.key(key.rawValue)
    }
}

extension PlacedMany: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var answers: [PlacedAnswer] = []
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Field.answers else { return false }
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                answers.append(try PlacedAnswer(decoding: bytes, at: &offset))
            }
            return true
        }
        self.init(answers: answers)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("answers")
        writer.array(answers.count)
        for answer in answers { answer.encode(into: &writer) }
    }
}

extension PlacedAnswer: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: Order?
        var status = Status.unknown
        var reason = Reason.none
        var failure = FailureBody(message: "")
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try Order(decoding: bytes, at: &offset)
            case Field.status:
                let number = try bytes.readInteger(at: &offset, as: UInt8.self, field: "status")
                status = Status(rawValue: number) ?? .unknown
            case Field.reason:
                let number = try bytes.readInteger(at: &offset, as: UInt16.self, field: "reason")
                reason = Reason(rawValue: number) ?? .other
            default: return try failure.readField(name, bytes, at: &offset)
            }
            return true
        }
        self = order.map(PlacedAnswer.placed) ?? .refused(status, reason, failure)
    }

    public func encode(into writer: inout MessagePackWriter) {
        switch self {
        case .placed(let order):
            writer.map(1)
            writer.string("order")
            order.encode(into: &writer)
        case .refused(let status, let reason, let failure):
            writer.map(2 + failure.fieldCount)
            writer.string("status")
            writer.integer(Int64(status.rawValue))
            writer.string("reason")
            writer.integer(Int64(reason.rawValue))
            failure.encodeFields(into: &writer)
        }
    }
}
