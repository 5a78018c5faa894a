import CRabbitMQ
import Wire

/// A message that must reach a queue.
public struct RabbitMessage: Sendable {
    /// Unique among those published together.
    public let id: String
    /// The routing key, and the message's type.
    public let type: String
    /// Seconds since 1970.
    public let timestamp: UInt64
    public let contentType: String
    public let body: [UInt8]

    public init(id: String, type: String, timestamp: UInt64, contentType: String, body: [UInt8]) {
        self.id = id
        self.type = type
        self.timestamp = timestamp
        self.contentType = contentType
        self.body = body
    }
}

/// What became of a message.
public enum RabbitOutcome: Equatable, Sendable {
    /// In all queues it was routed to, on disk.
    case confirmed
    /// No queue took it: the exchange has none that wants its type.
    case returned(String)
    /// The server could not keep it, for example because a queue is full.
    case refused
}

extension RabbitConnection {
    /// At most so many messages wait for their confirm.
    public static let window = 500

    /// Publishes messages, persistent and mandatory, and waits for what becomes of each.
    ///
    /// - Returns: an outcome per message, in their order.
    /// - Throws: when the connection or the channel ended; any of them may have arrived.
    public func publish(_ messages: [RabbitMessage], to exchange: String) throws(RabbitError)
        -> [RabbitOutcome]
    {
        precondition(
            messages.count <= Self.window, "\(messages.count) messages in a window of \(Self.window)")
        let first = lastTag + 1
        for message in messages {
            try send(message, exchange)
            lastTag += 1
        }
        var ledger = Confirms(first: first, ids: messages.map(\.id))
        while !ledger.isComplete { try take(into: &ledger) }
        return ledger.outcomes
    }

    private func send(_ message: RabbitMessage, _ exchange: String) throws(RabbitError) {
        var properties = amqp_basic_properties_t()
        let texts = [exchange, message.type, message.id, message.contentType].map { Array($0.utf8) }
        let status = withBytes(texts + [message.body]) { bytes in
            // AMQP 0-9-1 §3.1, class basic: which properties follow.
            properties._flags =
                UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG) | UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG)
                | UInt32(AMQP_BASIC_MESSAGE_ID_FLAG) | UInt32(AMQP_BASIC_TYPE_FLAG)
                | UInt32(AMQP_BASIC_TIMESTAMP_FLAG)
            properties.content_type = bytes[3]
            // 2 is persistent.
            properties.delivery_mode = 2
            properties.message_id = bytes[2]
            properties.type = bytes[1]
            properties.timestamp = message.timestamp
            return amqp_basic_publish(state, Self.channel, bytes[0], bytes[1], 1, 0, &properties, bytes[4])
        }
        guard status == 0 else {
            throw RabbitError(status: status, "publishing", configuration.address)
        }
    }

    /// Waits for one more frame, and notes what it says of messages.
    private func take(into confirms: inout Confirms) throws(RabbitError) {
        var frame = amqp_frame_t()
        var limit = configuration.timeout.timeval
        amqp_maybe_release_buffers_on_channel(state, Self.channel)
        let status = amqp_simple_wait_frame_noblock(state, &frame, &limit)
        guard status == 0 else {
            throw RabbitError(status: status, "waiting for confirms", configuration.address)
        }
        // Heartbeats the library answers itself.
        guard frame.frame_type == UInt8(AMQP_FRAME_METHOD) else { return }
        let method = frame.payload.method
        switch method.id {
        case Method.basicAck:
            let ack = method.decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            confirms.settle(ack.delivery_tag, isMultiple: ack.multiple != 0, .confirmed)
        case Method.basicNack:
            let nack = method.decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            confirms.settle(nack.delivery_tag, isMultiple: nack.multiple != 0, .refused)
        case Method.basicReturn:
            let why = String(
                method.decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee.reply_text)
            confirms.returned(try returnedID(), why)
        case Method.channelClose, Method.connectionClose:
            throw RabbitError(closing: method, "publishing", configuration.address)
        default: return
        }
    }

    /// The message that follows its return.
    private func returnedID() throws(RabbitError) -> String {
        var message = amqp_message_t()
        let reply = amqp_read_message(state, Self.channel, &message, 0)
        if let error = RabbitError(reply, "reading what was returned", configuration.address) { throw error }
        defer { amqp_destroy_message(&message) }
        return String(message.properties.message_id)
    }

    /// Answers the server's heartbeats while there is nothing to publish.
    ///
    /// - Throws: when the connection ended.
    public func beat() throws(RabbitError) {
        var frame = amqp_frame_t()
        var limit = TimeAmount.zero.timeval
        amqp_maybe_release_buffers_on_channel(state, Self.channel)
        let status = amqp_simple_wait_frame_noblock(state, &frame, &limit)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return }
        guard status == 0 else { throw RabbitError(status: status, "idling", configuration.address) }
        guard frame.frame_type == UInt8(AMQP_FRAME_METHOD) else { return }
        let method = frame.payload.method
        if method.id == Method.channelClose || method.id == Method.connectionClose {
            throw RabbitError(closing: method, "idling", configuration.address)
        }
    }
}

/// What is known of messages that wait for their confirms. A value, so that it is tested without a server.
struct Confirms {
    private let first: UInt64
    private let ids: [String]
    private var settled: [RabbitOutcome?]
    private var reasons: [String: String] = [:]
    private var open: Int

    init(first: UInt64, ids: [String]) {
        self.first = first
        self.ids = ids
        settled = Array(repeating: nil, count: ids.count)
        open = ids.count
    }

    var isComplete: Bool { open == 0 }

    /// In the order of the messages.
    ///
    /// - Precondition: it is complete.
    var outcomes: [RabbitOutcome] {
        precondition(isComplete, "\(open) messages have no outcome yet")
        return settled.map { $0 ?? .refused }
    }

    /// A returned message is confirmed after that all the same (Consumer Acknowledgements and Publisher Confirms, RabbitMQ
    /// documentation: "basic.return is sent to the client before basic.ack").
    mutating func returned(_ id: String, _ reason: String) { reasons[id] = reason }

    mutating func settle(_ tag: UInt64, isMultiple: Bool, _ outcome: RabbitOutcome) {
        // Tags of an earlier publication are settled already.
        guard tag >= first, tag < first + UInt64(ids.count) else { return }
        let index = Int(tag - first)
        for place in (isMultiple ? 0 : index)...index where settled[place] == nil {
            settled[place] =
                outcome == .confirmed ? reasons[ids[place]].map { .returned($0) } ?? .confirmed : outcome
            open -= 1
        }
    }
}
