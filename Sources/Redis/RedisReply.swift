import CHiredis

/// What a server answered, copied out of hiredis' reply.
public enum RedisReply: Hashable, Sendable {
    /// Nothing: a key that does not exist, or Lua's `false`.
    case null
    /// A short word, such as `OK`.
    case status(String)
    /// The server refused. The first word is a code, such as `READONLY`; the rest is for people.
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    /// hiredis accepts at most seven levels of nesting.
    case array([RedisReply])

    init(copying reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_STATUS: self = .status(String(decoding: Self.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: Self.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_STRING: self = .bytes(Array(Self.bytes(of: reply)))
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.element, count: reply.elements)
            self = .array(elements.map { $0.map { RedisReply(copying: $0.pointee) } ?? .null })
        case REDIS_REPLY_NIL: self = .null
        default: preconditionFailure("hiredis 0.14 has no reply of type \(reply.type)")
        }
    }

    private static func bytes(of reply: redisReply) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.str, count: reply.len)
    }

    /// The text of a status or of bytes that are UTF-8; nil for everything else.
    public var text: String? {
        switch self {
        case .status(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        case .null, .error, .integer, .array: nil
        }
    }
}
