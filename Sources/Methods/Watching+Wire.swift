public import Sales
public import Wire

extension WaitOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        // The same fields as those of an order that is placed outright.
        let order = try PlaceOrder(decoding: bytes, at: &offset)
        self.init(
            sale: order.sale, lane: order.lane, buyer: order.buyer, quantity: order.quantity, key: order.key)
    }

    public func encode(into writer: inout MessagePackWriter) {
        PlaceOrder(sale: sale, lane: lane, buyer: buyer, quantity: quantity, key: key).encode(into: &writer)
    }
}

/// `{"state": "waiting", "ahead": …, "waiting": …}`, `{"state": "offered", "order": {…}}` or `{"state": "ended", "end": …}`.
extension WaitState: MessageBody {
    private enum State: String { case waiting, offered, ended }

    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var state: State?
        var ahead: Int64?
        var waiting: Int64?
        var order: Order?
        var end: End?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.state: state = try State(decoding: bytes, at: &offset, field: "state")
            case Field.ahead: ahead = try bytes.readInteger(at: &offset)
            case Field.waiting: waiting = try bytes.readInteger(at: &offset)
            case Field.order: order = try Order(decoding: bytes, at: &offset)
            case Field.end: end = try End(decoding: bytes, at: &offset, field: "end")
            default: return false
            }
            return true
        }
        switch try state.orMissing("state", offset) {
        case .waiting:
            self = .waiting(
                ahead: try ahead.orMissing("ahead", offset), of: try waiting.orMissing("waiting", offset))
        case .offered: self = .offered(try order.orMissing("order", offset))
        case .ended: self = .ended(try end.orMissing("end", offset))
        }
    }

    public func encode(into writer: inout MessagePackWriter) {
        switch self {
        case .waiting(let ahead, let waiting):
            writer.map(3)
            writer.string("state")
            writer.string("waiting")
            writer.string("ahead")
            writer.integer(ahead)
            writer.string("waiting")
            writer.integer(waiting)
        case .offered(let order):
            writer.map(2)
            writer.string("state")
            writer.string("offered")
            writer.string("order")
            order.encode(into: &writer)
        case .ended(let end):
            writer.map(2)
            writer.string("state")
            writer.string("ended")
            writer.string("end")
            writer.string(end.rawValue)
        }
    }
}

extension ListOrders: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        var buyer: BuyerID?
        var state: Order.State?
        var after: Int64 = 0
        var limit = OrderList.maximum
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.state: state = try Order.State(decoding: bytes, at: &offset, field: "state")
            case Field.after: after = try bytes.readInteger(at: &offset)
            case Field.limit: limit = try bytes.readInteger(at: &offset, as: Int32.self, field: "limit")
            default: return false
            }
            return true
        }
        self.init(
            sale: try sale.orMissing("sale", offset), lane: lane, buyer: buyer, state: state, after: after,
            limit: limit)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4 + (buyer == nil ? 0 : 1) + (state == nil ? 0 : 1))
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        if let buyer {
            writer.string("buyer")
            writer.integer(buyer.rawValue)
        }
        if let state {
            writer.string("state")
            writer.string(state.rawValue)
        }
        writer.string("after")
        writer.integer(after)
        writer.string("limit")
        writer.integer(Int64(limit))
    }
}

extension OrderList: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var orders: [Order] = []
        var next: Int64?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.orders:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    orders.append(try Order(decoding: bytes, at: &offset))
                }
            case Field.next: next = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self.init(orders: orders, next: next)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(next == nil ? 1 : 2)
        writer.string("orders")
        writer.array(orders.count)
        for order in orders { order.encode(into: &writer) }
        if let next {
            writer.string("next")
            writer.integer(next)
        }
    }
}

extension WatchOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var version: Int32 = 0
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.version: version = try bytes.readInteger(at: &offset, as: Int32.self, field: "version")
            default: return false
            }
            return true
        }
        self.init(order: try order.orMissing("order", offset), version: version)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(version == 0 ? 1 : 2)
        writer.string("order")
        order.encode(into: &writer)
        if version != 0 {
            writer.string("version")
            writer.integer(Int64(version))
        }
    }
}

extension OrderUpdate: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: Order?
        var missed: Int32 = 0
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try Order(decoding: bytes, at: &offset)
            case Field.missed: missed = try bytes.readInteger(at: &offset, as: Int32.self, field: "missed")
            default: return false
            }
            return true
        }
        self.init(order: try order.orMissing("order", offset), missed: missed)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(missed == 0 ? 1 : 2)
        writer.string("order")
        order.encode(into: &writer)
        if missed != 0 {
            writer.string("missed")
            writer.integer(Int64(missed))
        }
    }
}

extension WatchSale: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        var from: Int64?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            case Field.from: from = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self.init(sale: try sale.orMissing("sale", offset), lane: lane, from: from)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(from == nil ? 2 : 3)
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        if let from {
            writer.string("from")
            writer.integer(from)
        }
    }
}

extension SaleUpdate: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: Sale?
        var sequence: Int64?
        var rate: Int64 = 0
        var hasMissed = false
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try Sale(decoding: bytes, at: &offset)
            case Field.sequence: sequence = try bytes.readInteger(at: &offset)
            case Field.rate: rate = try bytes.readInteger(at: &offset)
            case Field.missed: hasMissed = try bytes.readBool(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            sale: try sale.orMissing("sale", offset), sequence: try sequence.orMissing("sequence", offset),
            rate: rate, hasMissed: hasMissed)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4)
        writer.string("sale")
        sale.encode(into: &writer)
        writer.string("sequence")
        writer.integer(sequence)
        writer.string("rate")
        writer.integer(rate)
        writer.string("missed")
        writer.bool(hasMissed)
    }
}
