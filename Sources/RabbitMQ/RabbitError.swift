import CRabbitMQ

/// Why RabbitMQ did not do what was asked.
public struct RabbitError: Error, Equatable, CustomStringConvertible {
    /// One sentence that says what happened and what to do. Never holds a password.
    public let message: String
    /// True if the server could not be reached, or was lost; false if it refused.
    public let isUnreachable: Bool

    public var description: String { message }

    /// The server is there, and does not take what it is given.
    public init(refusal message: String) { self.init(message, isUnreachable: false) }

    init(_ message: String, isUnreachable: Bool) {
        self.message = message
        self.isUnreachable = isUnreachable
    }

    /// What a library call returned below zero.
    init(status: Int32, _ doing: String, _ address: String) {
        let words = amqp_error_string2(status).map { String(cString: $0) } ?? "status \(status)"
        self.init(
            "RabbitMQ at \(address): \(doing): \(words); see that it runs and is not out of memory or disk",
            isUnreachable: true)
    }

    /// Nil for a normal answer.
    init?(_ reply: amqp_rpc_reply_t, _ doing: String, _ address: String) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return nil
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            self.init(closing: reply.reply, doing, address)
        default: self.init(status: reply.library_error, doing, address)
        }
    }

    /// The server closes the channel or the connection, and says why.
    init(closing method: amqp_method_t, _ doing: String, _ address: String) {
        var words = "closed without a reason"
        if let decoded = method.decoded {
            if method.id == Method.channelClose {
                let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
                words = "\(close.reply_code) \(String(close.reply_text))"
            } else if method.id == Method.connectionClose {
                let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
                words = "\(close.reply_code) \(String(close.reply_text))"
            }
        }
        self.init(
            "RabbitMQ at \(address) refused while \(doing): \(words)",
            // AMQP 0-9-1 §1.2: 320 is an operator who closes connections, as a server that stops does.
            isUnreachable: words.hasPrefix("320"))
    }
}

/// Class and method in one number (AMQP 0-9-1, "amqp0-9-1.xml"). The library's macros are casts, which Swift leaves out.
enum Method {
    static let connectionClose: UInt32 = 0x000A_0032
    static let channelClose: UInt32 = 0x0014_0028
    static let basicReturn: UInt32 = 0x003C_0032
    static let basicGetOK: UInt32 = 0x003C_0047
    static let basicAck: UInt32 = 0x003C_0050
    static let basicNack: UInt32 = 0x003C_0078
}

extension String {
    init(_ bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}
