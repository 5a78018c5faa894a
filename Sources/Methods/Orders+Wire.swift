public import Sales
public import Wire

extension PlaceOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        var buyer: BuyerID?
        var quantity: Int32?
        var key: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.quantity:
                quantity = try bytes.readInteger(at: &offset, as: Int32.self, field: "quantity")
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            sale: try sale.orMissing("sale", offset), lane: lane, buyer: try buyer.orMissing("buyer", offset),
            quantity: try quantity.orMissing("quantity", offset), key: try key.orMissing("key", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(lane == .only ? 4 : 5)
        writer.string("sale")
        writer.integer(sale.rawValue)
        if lane != .only {
            writer.string("lane")
            writer.integer(Int64(lane.rawValue))
        }
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("quantity")
        writer.integer(Int64(quantity))
        writer.string("key")
        writer.key(key.rawValue)
    }
}

extension SettleOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        var buyer: BuyerID?
        var key: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            sale: try sale.orMissing("sale", offset), lane: lane, buyer: try buyer.orMissing("buyer", offset),
            key: try key.orMissing("key", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4)
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("key")
        writer.key(key.rawValue)
    }
}

extension Order: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var id: OrderID?
        var sale: SaleID?
        var lane = Lane.only
        var buyer: BuyerID?
        var key: RequestKey?
        var quantity: Int32?
        var amount: Int64?
        var currency: String?
        var placed: Int64?
        var state = State.reserved
        var version: Int32 = 1
        var until: LedgerTime?
        var attempt: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: id = try OrderID(decoding: bytes, at: &offset)
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.quantity:
                quantity = try bytes.readInteger(at: &offset, as: Int32.self, field: "quantity")
            case Field.amount: amount = try bytes.readInteger(at: &offset)
            case Field.currency: currency = try bytes.readString(at: &offset, maximum: 3, field: "currency")
            case Field.placed: placed = try bytes.readInteger(at: &offset)
            case Field.state: state = try State(decoding: bytes, at: &offset, field: "state")
            case Field.version: version = try bytes.readInteger(at: &offset, as: Int32.self, field: "version")
            case Field.until: until = try LedgerTime.decodeOptional(bytes, at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            id: try id.orMissing("order", offset), sale: try sale.orMissing("sale", offset), lane: lane,
            buyer: try buyer.orMissing("buyer", offset), key: try key.orMissing("key", offset),
            quantity: try quantity.orMissing("quantity", offset),
            amount: try amount.orMissing("amount", offset),
            currency: try currency.orMissing("currency", offset),
            placedAt: LedgerTime(rawValue: try placed.orMissing("placed", offset)), state: state,
            version: version, until: until, attempt: attempt)
    }

    public func encode(into writer: inout MessagePackWriter) {
        // What most new orders have nothing to say about is left out.
        writer.map(10 + (version > 1 ? 1 : 0) + (until == nil ? 0 : 1) + (attempt == nil ? 0 : 1))
        writer.string("order")
        id.encode(into: &writer)
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("key")
        writer.key(key.rawValue)
        writer.string("quantity")
        writer.integer(Int64(quantity))
        writer.string("amount")
        writer.integer(amount)
        writer.string("currency")
        writer.string(currency)
        writer.string("placed")
        writer.integer(placedAt.rawValue)
        writer.string("state")
        writer.string(state.rawValue)
        if version > 1 {
            writer.string("version")
            writer.integer(Int64(version))
        }
        if let until {
            writer.string("until")
            writer.integer(until.rawValue)
        }
        if let attempt {
            writer.string("attempt")
            writer.key(attempt.rawValue)
        }
    }
}

extension RawRepresentable where RawValue == String {
    /// A value of an enumeration that is written as its name.
    init(decoding bytes: Span<UInt8>, at offset: inout Int, field: String) throws(WireError) {
        let start = offset
        let text = try bytes.readString(at: &offset, maximum: 32, field: field)
        guard let value = Self(rawValue: text) else { throw WireError(.badValue, at: start, field: field) }
        self = value
    }
}

/// `{"state": "placed", "order": {…}}` or `{"state": "voided"}`.
extension Settlement: MessageBody {
    private enum State: String { case placed, voided }

    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var state: State?
        var order: Order?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.state: state = try State(decoding: bytes, at: &offset, field: "state")
            case Field.order: order = try Order(decoding: bytes, at: &offset)
            default: return false
            }
            return true
        }
        switch try state.orMissing("state", offset) {
        case .placed: self = .placed(try order.orMissing("order", offset))
        case .voided: self = .voided
        }
    }

    public func encode(into writer: inout MessagePackWriter) {
        switch self {
        case .placed(let order):
            writer.map(2)
            writer.string("state")
            writer.string("placed")
            writer.string("order")
            order.encode(into: &writer)
        case .voided:
            writer.map(1)
            writer.string("state")
            writer.string("voided")
        }
    }
}
