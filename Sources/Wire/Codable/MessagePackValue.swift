/// Any MessagePack value (msgpack/spec.md) as a tree: for bodies of types that are made by `Codable`, and for
/// those whose type is not known. The hot path reads and writes without one.
public enum MessagePackValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Only above `Int64.max`: a number has one form here, whatever form it has on the wire.
    case uint(UInt64)
    case double(Double)
    case string(String)
    case binary([UInt8])
    case array([MessagePackValue])
    /// In the order of the wire; when a key comes twice, the last one counts.
    case map([Pair])
    /// A value of an application's own type. Nothing of ours uses one, but it may stand in an unknown field.
    case other(type: Int8, bytes: [UInt8])

    public struct Pair: Hashable, Sendable {
        public var key: String
        public var value: MessagePackValue

        public init(_ key: String, _ value: MessagePackValue) {
            self.key = key
            self.value = value
        }
    }

    /// The number in its one form.
    public init(_ number: UInt64) {
        self = Int64(exactly: number).map(MessagePackValue.int) ?? .uint(number)
    }

    /// The value of a key of a map; nil when there is none, or this is no map.
    public subscript(key: String) -> MessagePackValue? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.last { $0.key == key }?.value
    }
}

extension MessagePackValue {
    /// The deepest nesting, as `PROTOCOL.md` says.
    static let maximumDepth = 32
    /// The most values in one body: a byte of wire becomes some fifty of a tree.
    static let maximumValues = 65_536
}

/// A body of any shape, for callers that know a method only by its description.
extension MessagePackValue: MessageBody {
    /// - Throws: `tooDeep` beyond 32 levels, `badLength` beyond 65,536 values, `wrongType` for a key that is
    ///   no string, and what malformed bytes deserve.
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var left = MessagePackValue.maximumValues
        try self.init(bytes, at: &offset, depth: 0, left: &left)
    }

    private init(
        _ bytes: Span<UInt8>, at offset: inout Int, depth: Int, left: inout Int
    ) throws(WireError) {
        guard depth < MessagePackValue.maximumDepth else { throw WireError(.tooDeep, at: offset) }
        left -= 1
        guard left >= 0 else { throw WireError(.badLength, at: offset) }
        guard offset < bytes.count else { throw WireError(.truncated, at: offset) }
        switch bytes[offset] {
        case 0xc0:
            offset += 1
            self = .null
        case 0xc2, 0xc3: self = .bool(try bytes.readBool(at: &offset))
        case 0x00...0x7f, 0xe0...0xff, 0xcc...0xce, 0xd0...0xd3:
            self = .int(try bytes.readInteger(at: &offset))
        case 0xcf: self = MessagePackValue(try bytes.readUnsigned(at: &offset))
        case 0xca, 0xcb: self = .double(try bytes.readDouble(at: &offset))
        case 0xa0...0xbf, 0xd9...0xdb:
            self = .string(try bytes.readString(at: &offset, maximum: bytes.count, field: "string"))
        case 0xc4...0xc6:
            self = .binary(try bytes.readBinary(at: &offset, maximum: bytes.count, field: "binary"))
        case 0x90...0x9f, 0xdc, 0xdd:
            let count = try bytes.readArrayCount(at: &offset)
            var values: [MessagePackValue] = []
            values.reserveCapacity(min(count, left))
            for _ in 0..<count {
                values.append(try MessagePackValue(bytes, at: &offset, depth: depth + 1, left: &left))
            }
            self = .array(values)
        case 0x80...0x8f, 0xde, 0xdf:
            let count = try bytes.readMapCount(at: &offset)
            var pairs: [Pair] = []
            pairs.reserveCapacity(min(count, left))
            for _ in 0..<count {
                let key = try bytes.readString(at: &offset, maximum: bytes.count, field: "key")
                pairs.append(
                    Pair(key, try MessagePackValue(bytes, at: &offset, depth: depth + 1, left: &left)))
            }
            self = .map(pairs)
        default:
            // The type stands before the last bytes, whose number is in the form or before the type.
            let start = offset
            let raw = try bytes.readRaw(at: &offset, maximum: bytes.count, field: "value")
            let prefix =
                switch bytes[start] {
                case 0xd4...0xd8: 1
                case 0xc7: 2
                case 0xc8: 3
                case 0xc9: 5
                default: throw WireError(.wrongType, at: start)
                }
            self = .other(type: Int8(bitPattern: raw[prefix]), bytes: Array(raw[(prefix + 1)...]))
        }
    }

    public func encode(into writer: inout MessagePackWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.integer(value)
        case .uint(let value): writer.unsigned(value)
        case .double(let value): writer.double(value)
        case .string(let value): writer.string(value)
        case .binary(let value): writer.binary(value)
        case .array(let values):
            writer.array(values.count)
            for value in values { value.encode(into: &writer) }
        case .map(let pairs):
            writer.map(pairs.count)
            for pair in pairs {
                writer.string(pair.key)
                pair.value.encode(into: &writer)
            }
        case .other(let type, let bytes):
            writer.raw(0xc9)
            for shift in [24, 16, 8, 0] { writer.raw(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
            writer.raw(UInt8(bitPattern: type))
            writer.raw(bytes)
        }
    }
}

extension MessagePackValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral values: MessagePackValue...) { self = .array(values) }
    public init(dictionaryLiteral pairs: (String, MessagePackValue)...) {
        self = .map(pairs.map { Pair($0, $1) })
    }
}
