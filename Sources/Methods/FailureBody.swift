public import Sales
public import Wire

/// The body of a RESULT that is not OK: a sentence for people, and the numbers that belong to the reason.
public struct FailureBody: Hashable, Sendable {
    public var message: String
    /// `notEnough`: units left.
    public var left: Int64?
    /// `overLimit`: what a buyer may hold, and what this one holds. `listFull`: how many may wait.
    public var limit: Int64?
    /// `soldOut`, `notEnough` and `waitersFirst` have it, too: units of orders that nobody has paid for yet.
    public var held: Int64?
    /// `soldOut`, `notEnough` and `waitersFirst`: how many wait for what comes back, and when the next may. What a gate
    /// says of it is up to half a second old.
    public var waiting: Int64?
    public var next: LedgerTime?
    /// `notYetOpen`: when the sale opens.
    public var opens: LedgerTime?
    /// What a service of somebody else says beyond words: one MessagePack value, or nothing.
    public var details: [UInt8] = []

    public init(
        message: String, left: Int64? = nil, limit: Int64? = nil, held: Int64? = nil,
        opens: LedgerTime? = nil
    ) {
        self.message = message
        self.left = left
        self.limit = limit
        self.held = held
        self.opens = opens
    }
}

extension FailureBody: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(message: "")
        var body = self
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            try body.readField(name, bytes, at: &offset)
        }
        self = body
    }

    /// Reads the value of a field, if it is one of this body.
    mutating func readField(
        _ name: FieldName, _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(WireError) -> Bool {
        switch name {
        case Field.message:
            message = try bytes.readString(at: &offset, maximum: Limits.failureTextLength, field: "message")
        case Field.left: left = try bytes.readInteger(at: &offset)
        case Field.limit: limit = try bytes.readInteger(at: &offset)
        case Field.held: held = try bytes.readInteger(at: &offset)
        case Field.waiting: waiting = try bytes.readInteger(at: &offset)
        case Field.next: next = try LedgerTime.decodeOptional(bytes, at: &offset)
        case Field.opens: opens = try LedgerTime.decodeOptional(bytes, at: &offset)
        case Field.details:
            details = try bytes.readRaw(at: &offset, maximum: Limits.messageSize, field: "details")
        default: return false
        }
        return true
    }

    private var numbers: [(String, Int64?)] {
        [
            ("left", left), ("limit", limit), ("held", held), ("waiting", waiting), ("next", next?.rawValue),
            ("opens", opens?.rawValue),
        ]
    }

    var fieldCount: Int { 1 + numbers.count { $0.1 != nil } + (details.isEmpty ? 0 : 1) }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(fieldCount)
        encodeFields(into: &writer)
    }

    /// Appends the fields without the head of the map.
    func encodeFields(into writer: inout MessagePackWriter) {
        writer.string("message")
        writer.string(message)
        for (name, number) in numbers {
            guard let number else { continue }
            writer.string(name)
            writer.integer(number)
        }
        if !details.isEmpty {
            writer.string("details")
            writer.raw(details)
        }
    }
}

extension FailureBody {
    /// Appends a body that has only a message, without making a string.
    public static func encode(message: StaticString, into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("message")
        writer.string(message)
    }
}
