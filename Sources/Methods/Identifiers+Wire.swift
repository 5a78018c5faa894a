import Sales
import Wire

extension SaleID {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(rawValue: try bytes.readInteger(at: &offset, as: Int64.self, field: "sale"))
    }
}

extension Lane {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(rawValue: try bytes.readInteger(at: &offset, as: Int16.self, field: "lane"))
    }
}

extension BuyerID {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(rawValue: try bytes.readInteger(at: &offset, as: Int64.self, field: "buyer"))
    }
}

extension Partition {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(rawValue: try bytes.readInteger(at: &offset, as: Int16.self, field: "partition"))
    }
}

extension LedgerTime {
    /// Microseconds, or nil for "none".
    static func decodeOptional(_ bytes: Span<UInt8>, at offset: inout Int) throws(WireError) -> LedgerTime? {
        if bytes.readNull(at: &offset) { return nil }
        return LedgerTime(rawValue: try bytes.readInteger(at: &offset))
    }

    static func encodeOptional(_ time: LedgerTime?, into writer: inout MessagePackWriter) {
        if let time { writer.integer(time.rawValue) } else { writer.null() }
    }
}

extension OrderID {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        let start = offset
        guard let id = OrderID(try bytes.readString(at: &offset, maximum: 32, field: "order")) else {
            throw WireError(.badValue, at: start, field: "order")
        }
        self = id
    }

    /// Writes `partition-sequence` digit by digit: a reply to every order must not allocate.
    func encode(into writer: inout MessagePackWriter) {
        let partition = UInt64(self.partition.rawValue)
        let sequence = UInt64(self.sequence)
        writer.stringHeader(partition.digitCount + 1 + sequence.digitCount)
        writer.digits(partition)
        writer.raw(UInt8(ascii: "-"))
        writer.digits(sequence)
    }
}

extension UInt64 {
    fileprivate var digitCount: Int {
        var count = 1
        var rest = self / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}

extension MessagePackWriter {
    fileprivate mutating func digits(_ value: UInt64) {
        var power: UInt64 = 1
        while value / power >= 10 { power *= 10 }
        while power > 0 {
            raw(UInt8(ascii: "0") + UInt8(value / power % 10))
            power /= 10
        }
    }
}
