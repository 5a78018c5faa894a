/// The fixed 64 bytes at the start of every message. `PROTOCOL.md` has the same table in words.
///
/// A plain value without references, read and written in one go: the broker looks at nothing else.
public struct Header: Hashable, Sendable {
    /// Bytes that every frame begins with.
    public static let size = 64
    public static let magic: UInt8 = 0x53
    public static let version: UInt8 = 1

    public var kind: Kind
    public var flags: Flags = []
    /// Bytes of metadata between header and body.
    public var metadataLength: UInt16 = 0
    /// RESULT: how the call ended.
    public var status: Status = .ok
    /// CALL: who goes first when credit is short.
    public var priority: Priority = .normal
    /// RESULT: whether the call ran.
    public var certainty: Certainty = .executed
    /// RESULT: the refusal in the domain's words.
    public var reason: Reason = .none
    /// Names the call between the two ends of one hop. Chosen by the caller's side, never zero for a call.
    public var callID: UInt64 = 0
    /// DATA: place in its direction, from 0. CREDIT: items allowed in all. RESULT: items sent. Always 0 in
    /// unary calls.
    public var sequence: UInt32 = 0
    /// CALL: milliseconds left until the deadline, 0 for none. RESULT: milliseconds to wait before a retry.
    public var milliseconds: UInt32 = 0
    /// CALL: what is called.
    public var method: MethodID = MethodID(rawValue: 0)
    /// CALL: what a keyed call is routed by.
    public var routing = RoutingKey(sale: 0, lane: 0)
    /// CALL: the caller's name for the request, the same in every attempt.
    public var requestKey: UInt128 {
        get { UInt128(keyHigh) << 64 | UInt128(keyLow) }
        set {
            keyHigh = UInt64(truncatingIfNeeded: newValue >> 64)
            keyLow = UInt64(truncatingIfNeeded: newValue)
        }
    }
    // Two words: a UInt128 wants to stand at multiples of 16 bytes, which pads whatever holds a header.
    private var keyHigh: UInt64 = 0
    private var keyLow: UInt64 = 0

    public init(_ kind: Kind) { self.kind = kind }

    /// What a message is. The values are the bytes on the wire.
    public enum Kind: UInt8, Sendable, CaseIterable {
        case ping = 0x03
        case pong = 0x04
        case goAway = 0x05
        case call = 0x10
        /// An item of a stream.
        case data = 0x11
        case result = 0x12
        case cancel = 0x13
        /// A call handed back by a worker that has not begun it.
        case returned = 0x14
        /// How many items of a stream the sender takes in all.
        case credit = 0x15
        case ready = 0x20
        case beat = 0x21
        case own = 0x22
        case disown = 0x23
        case drain = 0x24
        /// What a method is, for reflection.
        case describe = 0x25
    }

    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The last message of its direction: of a RESULT always, of a CALL whose caller sends no items.
        public static let end = Flags(rawValue: 1)
        /// Not the first attempt: gates let it pass.
        public static let retry = Flags(rawValue: 2)
        /// Goes to the owner of the routing key's partition; else to any worker that has the method.
        public static let keyed = Flags(rawValue: 4)
        /// The routing key's `sale` is itself a partition number.
        public static let partition = Flags(rawValue: 8)
        /// CALL: not unary; DATA may follow in both directions.
        public static let stream = Flags(rawValue: 16)
        /// The body is compressed.
        public static let compressed = Flags(rawValue: 32)
        /// CALL: bodies of the answer may be compressed.
        public static let takesCompressed = Flags(rawValue: 64)
        static let known: Flags = [
            .end, .retry, .keyed, .partition, .stream, .compressed, .takesCompressed,
        ]
    }

    /// Reads the header of a frame, or says what is wrong with it.
    public init(decoding frame: Span<UInt8>) throws(WireError) {
        guard frame.count >= Header.size else { throw WireError(.truncated, at: frame.count) }
        guard frame[0] == Header.magic else { throw WireError(.badMagic, at: 0) }
        guard frame[1] == Header.version else { throw WireError(.unknownVersion, at: 1) }
        guard let kind = Kind(rawValue: frame[2]) else { throw WireError(.unknownKind, at: 2) }
        self.kind = kind
        flags = Flags(rawValue: frame[3])
        guard flags.isSubset(of: .known) else { throw WireError(.reservedBits, at: 3) }
        metadataLength = frame.littleEndian(at: 4, as: UInt16.self)
        guard Int(metadataLength) <= frame.count - Header.size else { throw WireError(.badLength, at: 4) }
        switch kind {
        case .result:
            guard let status = Status(rawValue: frame[6]) else {
                throw WireError(.badValue, at: 6, field: "status")
            }
            self.status = status
        default:
            guard let priority = Priority(rawValue: frame[6]) else {
                throw WireError(.badValue, at: 6, field: "priority")
            }
            self.priority = priority
        }
        guard let certainty = Certainty(rawValue: frame[7]) else {
            throw WireError(.badValue, at: 7, field: "certainty")
        }
        self.certainty = certainty
        callID = frame.littleEndian(at: 8, as: UInt64.self)
        sequence = frame.littleEndian(at: 16, as: UInt32.self)
        milliseconds = frame.littleEndian(at: 20, as: UInt32.self)
        method = MethodID(rawValue: frame.littleEndian(at: 24, as: UInt64.self))
        routing = RoutingKey(
            sale: frame.littleEndian(at: 32, as: Int64.self), lane: frame.littleEndian(at: 40, as: Int16.self)
        )
        // A reason that this version does not know is still a refusal.
        reason = Reason(rawValue: frame.littleEndian(at: 42, as: UInt16.self)) ?? .other
        guard frame.littleEndian(at: 44, as: UInt32.self) == 0 else { throw WireError(.reservedBits, at: 44) }
        requestKey = frame.littleEndian(at: 48, as: UInt128.self)
    }

    /// Writes the header over the first 64 bytes of a frame.
    public func encode(into frame: inout MutableSpan<UInt8>) {
        frame[0] = Header.magic
        frame[1] = Header.version
        frame[2] = kind.rawValue
        frame[3] = flags.rawValue
        frame.storeLittleEndian(metadataLength, at: 4)
        frame[6] = kind == .result ? status.rawValue : priority.rawValue
        frame[7] = certainty.rawValue
        frame.storeLittleEndian(callID, at: 8)
        frame.storeLittleEndian(sequence, at: 16)
        frame.storeLittleEndian(milliseconds, at: 20)
        frame.storeLittleEndian(method.rawValue, at: 24)
        frame.storeLittleEndian(routing.sale, at: 32)
        frame.storeLittleEndian(routing.lane, at: 40)
        frame.storeLittleEndian(reason.rawValue, at: 42)
        frame.storeLittleEndian(UInt32(0), at: 44)
        frame.storeLittleEndian(requestKey, at: 48)
    }
}
