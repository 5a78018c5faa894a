/// A body that is read and written by what the compiler makes for `Codable`: a type with its fields is all
/// that has to be written.
///
/// Optional fields that are nil are left out, unknown fields are skipped. Convenient rather than fast: some
/// microseconds a message, for the tree between type and bytes.
public protocol CodableBody: MessageBody, Codable, FieldNotes {}

/// Words for people about the fields of a type, shown by reflection.
public protocol FieldNotes {
    /// By the name of the field. Fields without words need no entry.
    static var about: [String: String] { get }
}

extension CodableBody {
    public static var about: [String: String] { [:] }

    /// - Throws: `missingField`, `wrongType` or `badValue` with the path of the field, such as `items.3.name`;
    ///   else what malformed bytes deserve.
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        let start = offset
        let value = try MessagePackValue(decoding: bytes, at: &offset)
        do {
            self = try ValueDecoder.decode(Self.self, from: value)
        } catch let error as DecodingError {
            throw WireError(error, at: start)
        } catch let error as WireError {
            throw error
        } catch {
            // The type's own initializer refused the value, in words that are not for the wire.
            throw WireError(.badValue, at: start)
        }
    }

    public func encode(into writer: inout MessagePackWriter) {
        do {
            try ValueEncoder.encode(self).encode(into: &writer)
        } catch {
            preconditionFailure("\(Self.self) cannot be encoded: \(error)")
        }
    }
}

extension WireError {
    /// What a type said about a value, without the words: they may repeat a peer's bytes.
    init(_ error: DecodingError, at offset: Int) {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            self.init(.wrongType, at: offset, path: context.codingPath)
        case .keyNotFound(let key, let context):
            self.init(.missingField, at: offset, path: context.codingPath + [key])
        case .dataCorrupted(let context):
            self.init(.badValue, at: offset, path: context.codingPath)
        @unknown default:
            self.init(.badValue, at: offset)
        }
    }

    private init(_ code: Code, at offset: Int, path: [any CodingKey]) {
        let field = path.map(\.stringValue).joined(separator: ".")
        self.init(code, at: offset, field: field.isEmpty ? nil : field)
    }
}

/// For types that hold a value of any shape. Other formats than MessagePack see what they have words for.
extension MessagePackValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .uint(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([MessagePackValue].self) {
            self = .array(values)
        } else {
            let values = try container.decode([String: MessagePackValue].self)
            self = .map(values.sorted { $0.key < $1.key }.map { Pair($0.key, $0.value) })
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .uint(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .binary(let bytes), .other(_, let bytes): try container.encode(bytes)
        case .array(let values): try container.encode(values)
        case .map(let pairs):
            try container.encode(Dictionary(pairs.map { ($0.key, $0.value) }) { $1 })
        }
    }
}
