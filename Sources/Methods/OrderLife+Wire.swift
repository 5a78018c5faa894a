public import Sales
public import Wire

/// Asks for the attempts to pay, of one partition's orders, that somebody still has to see to.
public struct ListPayments: Hashable, Sendable {
    public var partition: Partition
    /// The last one of the list before; nil for the first.
    public var after: UnsettledPayment?

    public init(partition: Partition, after: UnsettledPayment? = nil) {
        self.partition = partition
        self.after = after
    }
}

/// Attempts to pay that somebody still has to see to, with their orders.
public struct PaymentList: Hashable, Sendable {
    public var payments: [Payment]

    /// Most in one list. One that is full has a successor.
    public static let maximum = 100

    public struct Payment: Hashable, Sendable {
        public var order: Order
        public var attempt: RequestKey
        /// Its money is to go back; otherwise it is to be found out whether it came.
        public var isOwed: Bool

        public init(order: Order, attempt: RequestKey, isOwed: Bool) {
            self.order = order
            self.attempt = attempt
            self.isOwed = isOwed
        }
    }

    public init(payments: [Payment]) { self.payments = payments }
}

extension CancelOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var buyer: BuyerID?
        var key: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), buyer: try buyer.orMissing("buyer", offset),
            key: try key.orMissing("key", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("key")
        writer.key(key.rawValue)
    }
}

extension RevokeOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var key: RequestKey?
        var actor: String?
        var reason: String?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.key: key = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.actor: actor = try bytes.readNote(at: &offset, "actor")
            case Field.reason: reason = try bytes.readNote(at: &offset, "reason")
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), key: try key.orMissing("key", offset),
            actor: try actor.orMissing("actor", offset), reason: try reason.orMissing("reason", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("key")
        writer.key(key.rawValue)
        writer.string("actor")
        writer.string(actor)
        writer.string("reason")
        writer.string(reason)
    }
}

extension Span<UInt8> {
    /// A text of an `EntryNote`.
    func readNote(at offset: inout Int, _ field: String) throws(WireError) -> String {
        try readString(at: &offset, maximum: EntryNote.longest, field: field)
    }
}

extension PayOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var buyer: BuyerID?
        var attempt: RequestKey?
        var token: String?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.token:
                token = try bytes.readString(at: &offset, maximum: PayOrder.longestToken, field: "token")
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), buyer: try buyer.orMissing("buyer", offset),
            attempt: try attempt.orMissing("attempt", offset), token: try token.orMissing("token", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("attempt")
        writer.key(attempt.rawValue)
        writer.string("token")
        writer.string(token)
    }
}

extension BeginPayment: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var buyer: BuyerID?
        var attempt: RequestKey?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), buyer: try buyer.orMissing("buyer", offset),
            attempt: try attempt.orMissing("attempt", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        writer.string("attempt")
        writer.key(attempt.rawValue)
    }
}

extension RecordPayment: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var attempt: RequestKey?
        var outcome: Outcome?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.outcome: outcome = try Outcome(decoding: bytes, at: &offset, field: "outcome")
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), attempt: try attempt.orMissing("attempt", offset),
            outcome: try outcome.orMissing("outcome", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("attempt")
        writer.key(attempt.rawValue)
        writer.string("outcome")
        writer.string(outcome.rawValue)
    }
}

/// `{"partition": …, "after"?: {"order": sequence, "attempt": key, "owed": bool}}`.
extension ListPayments: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var partition: Partition?
        var after: UnsettledPayment?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.partition: partition = try Partition(decoding: bytes, at: &offset)
            case Field.after: after = try UnsettledPayment(decoding: bytes, at: &offset)
            default: return false
            }
            return true
        }
        self.init(partition: try partition.orMissing("partition", offset), after: after)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(after == nil ? 1 : 2)
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
        guard let after else { return }
        writer.string("after")
        after.encode(into: &writer)
    }
}

extension UnsettledPayment: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: Int64?
        var attempt: RequestKey?
        var isOwed = false
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try bytes.readInteger(at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.owed: isOwed = try bytes.readBool(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), attempt: try attempt.orMissing("attempt", offset),
            isOwed: isOwed)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("order")
        writer.integer(order)
        writer.string("attempt")
        writer.key(attempt.rawValue)
        writer.string("owed")
        writer.bool(isOwed)
    }
}

extension PaymentList: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var payments: [Payment] = []
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Field.payments else { return false }
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                payments.append(try Payment(decoding: bytes, at: &offset))
            }
            return true
        }
        self.init(payments: payments)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("payments")
        writer.array(payments.count)
        for payment in payments { payment.encode(into: &writer) }
    }
}

extension PaymentList.Payment: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: Order?
        var attempt: RequestKey?
        var isOwed = false
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try Order(decoding: bytes, at: &offset)
            case Field.attempt: attempt = RequestKey(rawValue: try bytes.readKey(at: &offset))
            case Field.owed: isOwed = try bytes.readBool(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            order: try order.orMissing("order", offset), attempt: try attempt.orMissing("attempt", offset),
            isOwed: isOwed)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("order")
        order.encode(into: &writer)
        writer.string("attempt")
        writer.key(attempt.rawValue)
        writer.string("owed")
        writer.bool(isOwed)
    }
}
