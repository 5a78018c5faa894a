public import Sales
public import Wire

extension CreateSale: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var key: RequestKey?
        var name: String?
        var price: Int64?
        var currency: String?
        var units: Int32?
        var limit: Int32?
        var opens: LedgerTime?
        var closes: LedgerTime?
        var hold: Int32?
        var payment = SaleTerms.usualPayment
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.name:
                name = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "name")
            case Field.price: price = try bytes.readInteger(at: &offset, as: Int64.self, field: "price")
            case Field.currency: currency = try bytes.readString(at: &offset, maximum: 3, field: "currency")
            case Field.units: units = try bytes.readInteger(at: &offset, as: Int32.self, field: "units")
            case Field.limit: limit = try bytes.readInteger(at: &offset, as: Int32.self, field: "limit")
            case Field.opens: opens = try LedgerTime.decodeOptional(bytes, at: &offset)
            case Field.closes: closes = try LedgerTime.decodeOptional(bytes, at: &offset)
            case Field.hold: hold = try bytes.readInteger(at: &offset, as: Int32.self, field: "hold")
            case Field.payment: payment = try bytes.readInteger(at: &offset, as: Int32.self, field: "payment")
            default: return false
            }
            return true
        }
        self.init(
            sale: try sale.orMissing("sale", offset), key: try key.orMissing("key", offset),
            name: try name.orMissing("name", offset), price: try price.orMissing("price", offset),
            currency: try currency.orMissing("currency", offset), units: try units.orMissing("units", offset),
            limit: try limit.orMissing("limit", offset), opensAt: opens, closesAt: closes, hold: hold,
            payment: payment)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(9 + (hold == nil ? 0 : 1) + (payment == SaleTerms.usualPayment ? 0 : 1))
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("key")
        writer.key(key.rawValue)
        writer.string("name")
        writer.string(name)
        writer.string("price")
        writer.integer(price)
        writer.string("currency")
        writer.string(currency)
        writer.string("units")
        writer.integer(Int64(units))
        writer.string("limit")
        writer.integer(Int64(limit))
        writer.string("opens")
        LedgerTime.encodeOptional(opensAt, into: &writer)
        writer.string("closes")
        LedgerTime.encodeOptional(closesAt, into: &writer)
        SaleTerms.encode(hold: hold, payment: payment, into: &writer)
    }
}

extension SaleTerms {
    /// What a sale has that lets its orders expire; nothing where they do not.
    fileprivate static func encode(hold: Int32?, payment: Int32, into writer: inout MessagePackWriter) {
        if let hold {
            writer.string("hold")
            writer.integer(Int64(hold))
        }
        if payment != usualPayment {
            writer.string("payment")
            writer.integer(Int64(payment))
        }
    }
}

/// `{"sale": …, "key": …, "change": …, "units"?: …, "limit"?: …, "actor"?: …, "reason"?: …}`.
extension ChangeSale: MessageBody {
    private enum Name: String {
        case open
        case close
        case addUnits = "add-units"
        case withdrawUnits = "withdraw-units"
        case pause
        case resume
        case limit
    }

    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var key: RequestKey?
        var change: Name?
        var units: Int32?
        var limit: Int32?
        var actor: String?
        var reason: String?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.change: change = try Name(decoding: bytes, at: &offset, field: "change")
            case Field.units: units = try bytes.readInteger(at: &offset, as: Int32.self, field: "units")
            case Field.limit: limit = try bytes.readInteger(at: &offset, as: Int32.self, field: "limit")
            case Field.actor: actor = try bytes.readNote(at: &offset, "actor")
            case Field.reason: reason = try bytes.readNote(at: &offset, "reason")
            default: return false
            }
            return true
        }
        let made: Change =
            switch try change.orMissing("change", offset) {
            case .open: .open
            case .close: .close
            case .addUnits: .addUnits(try units.orMissing("units", offset))
            case .withdrawUnits: .withdrawUnits(try units.orMissing("units", offset))
            case .pause: .pause
            case .resume: .resume
            case .limit: .limit(try limit.orMissing("limit", offset))
            }
        var note: Note?
        if actor != nil || reason != nil {
            note = Note(
                actor: try actor.orMissing("actor", offset), reason: try reason.orMissing("reason", offset))
        }
        self.init(
            sale: try sale.orMissing("sale", offset), key: try key.orMissing("key", offset), change: made,
            note: note)
    }

    public func encode(into writer: inout MessagePackWriter) {
        let (name, number): (Name, (field: StaticString, value: Int32)?) =
            switch change {
            case .open: (.open, nil)
            case .close: (.close, nil)
            case .addUnits(let units): (.addUnits, ("units", units))
            case .withdrawUnits(let units): (.withdrawUnits, ("units", units))
            case .pause: (.pause, nil)
            case .resume: (.resume, nil)
            case .limit(let limit): (.limit, ("limit", limit))
            }
        writer.map(3 + (number == nil ? 0 : 1) + (note == nil ? 0 : 2))
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("key")
        writer.key(key.rawValue)
        writer.string("change")
        writer.string(name.rawValue)
        if let number {
            writer.string(number.field)
            writer.integer(Int64(number.value))
        }
        if let note {
            writer.string("actor")
            writer.string(note.actor)
            writer.string("reason")
            writer.string(note.reason)
        }
    }
}

extension Sale: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var id: SaleID?
        var lane = Lane.only
        var partition: Partition?
        var name = ""
        var price: Int64 = 0
        var currency = ""
        var limit: Int32 = 0
        var opens: LedgerTime?
        var closes: LedgerTime?
        var added: Int64 = 0
        var left: Int64 = 0
        var orders: Int64 = 0
        var held: Int64 = 0
        var waiting: Int64 = 0
        var hold: Int32?
        var payment = SaleTerms.usualPayment
        var state: State?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.sale: id = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.partition: partition = try Partition(decoding: bytes, at: &offset)
            case Field.name:
                name = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "name")
            case Field.price: price = try bytes.readInteger(at: &offset)
            case Field.currency: currency = try bytes.readString(at: &offset, maximum: 3, field: "currency")
            case Field.limit: limit = try bytes.readInteger(at: &offset, as: Int32.self, field: "limit")
            case Field.opens: opens = try LedgerTime.decodeOptional(bytes, at: &offset)
            case Field.closes: closes = try LedgerTime.decodeOptional(bytes, at: &offset)
            case Field.added: added = try bytes.readInteger(at: &offset)
            case Field.left: left = try bytes.readInteger(at: &offset)
            case Field.orders: orders = try bytes.readInteger(at: &offset)
            case Field.held: held = try bytes.readInteger(at: &offset)
            case Field.waiting: waiting = try bytes.readInteger(at: &offset)
            case Field.hold: hold = try bytes.readInteger(at: &offset, as: Int32.self, field: "hold")
            case Field.payment: payment = try bytes.readInteger(at: &offset, as: Int32.self, field: "payment")
            case Field.state: state = try State(decoding: bytes, at: &offset, field: "state")
            default: return false
            }
            return true
        }
        self.init(
            id: try id.orMissing("sale", offset), lane: lane,
            partition: try partition.orMissing("partition", offset),
            terms: SaleTerms(
                name: name, price: price, currency: currency, limit: limit,
                opensAt: try opens.orMissing("opens", offset), closesAt: closes, hold: hold, payment: payment,
                isPaused: state == .paused),
            added: added, left: left, held: held, orders: orders, waiting: waiting,
            state: try state.orMissing("state", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(
            14 + (terms.hold == nil ? 0 : 1) + (terms.payment == SaleTerms.usualPayment ? 0 : 1)
                + (waiting == 0 ? 0 : 1))
        writer.string("sale")
        writer.integer(id.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
        writer.string("name")
        writer.string(terms.name)
        writer.string("price")
        writer.integer(terms.price)
        writer.string("currency")
        writer.string(terms.currency)
        writer.string("limit")
        writer.integer(Int64(terms.limit))
        writer.string("opens")
        writer.integer(terms.opensAt.rawValue)
        writer.string("closes")
        LedgerTime.encodeOptional(terms.closesAt, into: &writer)
        writer.string("added")
        writer.integer(added)
        writer.string("left")
        writer.integer(left)
        writer.string("held")
        writer.integer(held)
        writer.string("orders")
        writer.integer(orders)
        writer.string("state")
        writer.string(state.rawValue)
        if waiting != 0 {
            writer.string("waiting")
            writer.integer(waiting)
        }
        SaleTerms.encode(hold: terms.hold, payment: terms.payment, into: &writer)
    }
}
