/// One word of a command. Redis words are bytes; text goes as UTF-8, a number as decimal digits.
public enum RedisArgument: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case bytes([UInt8])
    case integer(Int64)

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }

    /// Writes a command as an array of bulk strings.
    /// https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
    static func encode(_ arguments: [RedisArgument]) -> [UInt8] {
        var output: [UInt8] = []
        output.append(contentsOf: "*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            switch argument {
            case .text(let text): append(text.utf8, to: &output)
            case .bytes(let bytes): append(bytes, to: &output)
            case .integer(let number): append(String(number).utf8, to: &output)
            }
        }
        return output
    }

    private static func append(_ word: some Collection<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: "$\(word.count)\r\n".utf8)
        output.append(contentsOf: word)
        output.append(contentsOf: "\r\n".utf8)
    }
}
