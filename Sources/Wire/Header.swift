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
        // Every offset below is within the size that was just checked.
        guard unsafe frame[unchecked: 0] == Header.magic else { throw WireError(.badMagic, at: 0) }
        guard unsafe frame[unchecked: 1] == Header.version else { throw WireError(.unknownVersion, at: 1) }
        guard let kind = unsafe Kind(rawValue: frame[unchecked: 2]) else {
            throw WireError(.unknownKind, at: 2)
        }
        self.kind = kind
        flags = unsafe Flags(rawValue: frame[unchecked: 3])
        guard flags.isSubset(of: .known) else { throw WireError(.reservedBits, at: 3) }
        metadataLength = unsafe frame.littleEndian(unchecked: 4, as: UInt16.self)
        guard Int(metadataLength) <= frame.count - Header.size else { throw WireError(.badLength, at: 4) }
        switch kind {
        case .result:
            guard let status = unsafe Status(rawValue: frame[unchecked: 6]) else {
                throw WireError(.badValue, at: 6, field: "status")
            }
            self.status = status
        default:
            guard let priority = unsafe Priority(rawValue: frame[unchecked: 6]) else {
                throw WireError(.badValue, at: 6, field: "priority")
            }
            self.priority = priority
        }
        guard let certainty = unsafe Certainty(rawValue: frame[unchecked: 7]) else {
            throw WireError(.badValue, at: 7, field: "certainty")
        }
        self.certainty = certainty
        callID = unsafe frame.littleEndian(unchecked: 8, as: UInt64.self)
        sequence = unsafe frame.littleEndian(unchecked: 16, as: UInt32.self)
        milliseconds = unsafe frame.littleEndian(unchecked: 20, as: UInt32.self)
        method = unsafe MethodID(rawValue: frame.littleEndian(unchecked: 24, as: UInt64.self))
        routing = unsafe RoutingKey(
            sale: frame.littleEndian(unchecked: 32, as: Int64.self),
            lane: frame.littleEndian(unchecked: 40, as: Int16.self))
        // A reason that this version does not know is still a refusal.
        reason = unsafe Reason(rawValue: frame.littleEndian(unchecked: 42, as: UInt16.self)) ?? .other
        guard unsafe frame.littleEndian(unchecked: 44, as: UInt32.self) == 0 else {
            throw WireError(.reservedBits, at: 44)
        }
        keyLow = unsafe frame.littleEndian(unchecked: 48, as: UInt64.self)
        keyHigh = unsafe frame.littleEndian(unchecked: 56, as: UInt64.self)
    }

    /// Writes the header over the first 64 bytes of a frame.
    public func encode(into frame: inout MutableSpan<UInt8>) {
        precondition(frame.count >= Header.size, "a header needs \(Header.size) bytes")
        let byte6 = kind == .result ? status.rawValue : priority.rawValue
        // Every offset below is within the size that was just checked.
        unsafe frame.store(Header.magic, unchecked: 0)
        unsafe frame.store(Header.version, unchecked: 1)
        unsafe frame.store(kind.rawValue, unchecked: 2)
        unsafe frame.store(flags.rawValue, unchecked: 3)
        unsafe frame.store(metadataLength, unchecked: 4)
        unsafe frame.store(byte6, unchecked: 6)
        unsafe frame.store(certainty.rawValue, unchecked: 7)
        unsafe frame.store(callID, unchecked: 8)
        unsafe frame.store(sequence, unchecked: 16)
        unsafe frame.store(milliseconds, unchecked: 20)
        unsafe frame.store(method.rawValue, unchecked: 24)
        unsafe frame.store(routing.sale, unchecked: 32)
        unsafe frame.store(routing.lane, unchecked: 40)
        unsafe frame.store(reason.rawValue, unchecked: 42)
        unsafe frame.store(UInt32(0), unchecked: 44)
        unsafe frame.store(keyLow, unchecked: 48)
        unsafe frame.store(keyHigh, unchecked: 56)
    }
}
