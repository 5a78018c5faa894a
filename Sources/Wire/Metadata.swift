/// What travels beside a body: a few named values that the machinery between the ends does not read.
///
/// Keys are 1 to 64 of the characters `a-z 0-9 . _ -`; a key occurs once. `PROTOCOL.md`, "Metadata".
public struct Metadata: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case text(String)
        case binary([UInt8])
    }

    /// In the order of their keys, so that equal metadata are equal bytes.
    public private(set) var pairs: [(key: String, value: Value)] = []

    public init() {}

    public var isEmpty: Bool { pairs.isEmpty }

    /// The value of a key; setting nil takes it away. Setting one under a key that is not allowed traps: keys
    /// are names in a program, not input.
    public subscript(key: String) -> Value? {
        get { pairs.first { $0.key == key }?.value }
        set {
            precondition(Metadata.isKey(key.utf8), "'\(key)' is not a metadata key: 1 to 64 of a-z 0-9 . _ -")
            let index = pairs.firstIndex { $0.key >= key } ?? pairs.count
            let isThere = index < pairs.count && pairs[index].key == key
            switch (isThere, newValue) {
            case (true, let value?): pairs[index].value = value
            case (true, nil): pairs.remove(at: index)
            case (false, let value?): pairs.insert((key, value), at: index)
            case (false, nil): break
            }
        }
    }

    /// The value of a key as text, if it is one.
    public subscript(text key: String) -> String? {
        get {
            guard case .text(let text)? = self[key] else { return nil }
            return text
        }
        set { self[key] = newValue.map(Value.text) }
    }

    /// Whether a name that did not come from the program itself may be a key.
    public static func isKey(_ name: String) -> Bool { isKey(name.utf8) }

    private static func isKey(_ key: some Collection<UInt8>) -> Bool {
        1...Limits.metadataKeyLength ~= key.count
            && key.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.pairs.elementsEqual(rhs.pairs) { $0.key == $1.key && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        for (key, value) in pairs {
            hasher.combine(key)
            hasher.combine(value)
        }
    }
}

extension Metadata {
    /// Reads the metadata of a frame whose header is known.
    ///
    /// - Throws: `badLength` when it is larger than is allowed, `badValue` for a key or value that is not,
    ///   `trailingBytes` when the map is shorter than the header says.
    public init(decoding frame: Span<UInt8>, header: Header) throws(WireError) {
        guard header.metadataLength > 0 else { return }
        guard header.metadataLength <= Limits.metadataSize else { throw WireError(.badLength, at: 4) }
        let end = Header.size + Int(header.metadataLength)
        let bytes = frame.extracting(..<end)
        var offset = Header.size
        let count = try bytes.readMapCount(at: &offset)
        guard count <= Limits.metadataPairs else {
            throw WireError(.badValue, at: Header.size, field: "metadata")
        }
        for _ in 0..<count {
            let start = offset
            let key = try bytes.readString(at: &offset, maximum: Limits.metadataKeyLength, field: "metadata")
            guard Metadata.isKey(key.utf8), self[key] == nil else {
                throw WireError(.badValue, at: start, field: "metadata")
            }
            self[key] = try bytes.readMetadataValue(at: &offset)
        }
        guard offset == end else { throw WireError(.trailingBytes, at: offset) }
    }

    /// Appends the map.
    ///
    /// - Throws: `badLength` when it is more than a message may carry: 64 pairs, 4,096 bytes a value, 8,192 bytes in all.
    public func encode(into writer: inout MessagePackWriter) throws(WireError) {
        guard pairs.count <= Limits.metadataPairs else {
            throw WireError(.badLength, at: 0, field: "metadata")
        }
        let start = writer.bytes.count
        writer.map(pairs.count)
        for (key, value) in pairs {
            writer.string(key)
            let length: Int
            switch value {
            case .text(let text):
                length = text.utf8.count
                writer.string(text)
            case .binary(let bytes):
                length = bytes.count
                writer.binary(bytes)
            }
            guard length <= Limits.metadataValueLength else {
                throw WireError(.badLength, at: start, field: key)
            }
        }
        guard writer.bytes.count - start <= Limits.metadataSize else {
            throw WireError(.badLength, at: start, field: "metadata")
        }
    }
}

extension Span<UInt8> {
    fileprivate func readMetadataValue(at offset: inout Int) throws(WireError) -> Metadata.Value {
        guard offset < count else { throw WireError(.truncated, at: offset) }
        switch self[offset] {
        case 0xc4...0xc6:
            return .binary(
                try readBinary(at: &offset, maximum: Limits.metadataValueLength, field: "metadata"))
        default:
            return .text(
                try readString(at: &offset, maximum: Limits.metadataValueLength, field: "metadata"))
        }
    }
}
