/// Bytes that are not what the protocol says. Hostile input ends here, never in a trap.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        case truncated
        case badMagic
        case unknownVersion
        case unknownKind
        case reservedBits
        case badLength
        case wrongType
        case missingField
        case badValue
        case tooDeep
        case trailingBytes
    }

    public let code: Code
    /// Where in the frame or body it was noticed, in bytes.
    public let offset: Int
    /// The field concerned, when there is one. Only ever a name of ours, never a peer's bytes.
    public let field: String?

    public init(_ code: Code, at offset: Int, field: String? = nil) {
        self.code = code
        self.offset = offset
        self.field = field
    }

    public var description: String {
        let what =
            switch code {
            case .truncated: "ends too early"
            case .badMagic: "does not begin with 'S'"
            case .unknownVersion: "has a version other than 1"
            case .unknownKind: "has an unknown kind"
            case .reservedBits: "has bits set that must be zero"
            case .badLength: "has lengths that do not add up"
            case .wrongType: "has a value of another type than expected"
            case .missingField: "lacks a field"
            case .badValue: "has a value out of range"
            case .tooDeep: "is nested too deeply"
            case .trailingBytes: "goes on after its end"
            }
        let name = field.map { " (\($0))" } ?? ""
        return "the message \(what)\(name) at byte \(offset)"
    }
}
