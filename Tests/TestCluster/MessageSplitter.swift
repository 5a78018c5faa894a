/// Cuts a stream of bytes into the messages of its protocol, so that a relay can stop between two of them.
struct MessageSplitter {
    enum Format {
        /// PostgreSQL's protocol 3, from the client: one message without a type, then type, length, body
        /// (https://www.postgresql.org/docs/15/protocol-message-formats.html).
        case postgresClient
        case postgresServer
        /// ZMTP 3 (https://rfc.zeromq.org/spec/23): a greeting of 64 bytes, which both sides send bit by bit as
        /// they hear each other, then flags, length, body.
        case zeroMQ
    }

    let format: Format
    private var buffer: [UInt8] = []
    private var isFirst = true
    private var greetingLeft = 64

    init(_ format: Format) { self.format = format }

    mutating func append(_ bytes: ArraySlice<UInt8>) { buffer += bytes }

    /// The next whole message, as it is on the wire.
    mutating func next() -> [UInt8]? {
        guard let length, buffer.count >= length else { return nil }
        defer { buffer.removeFirst(length) }
        isFirst = false
        greetingLeft = max(0, greetingLeft - length)
        return Array(buffer[..<length])
    }

    private var length: Int? {
        switch format {
        case .postgresClient where isFirst: bigEndian(at: 0, bytes: 4)
        case .postgresClient, .postgresServer: bigEndian(at: 1, bytes: 4).map { $0 + 1 }
        case .zeroMQ where greetingLeft > 0: buffer.isEmpty ? nil : min(buffer.count, greetingLeft)
        case .zeroMQ:
            if let flags = buffer.first, flags & 2 != 0 {
                bigEndian(at: 1, bytes: 8).map { $0 + 9 }
            } else {
                bigEndian(at: 1, bytes: 1).map { $0 + 2 }
            }
        }
    }

    private func bigEndian(at start: Int, bytes: Int) -> Int? {
        guard buffer.count >= start + bytes else { return nil }
        return buffer[start..<start + bytes].reduce(0) { $0 << 8 | Int($1) }
    }
}
