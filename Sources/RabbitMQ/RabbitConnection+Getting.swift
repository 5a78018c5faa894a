import CRabbitMQ

extension RabbitConnection {
    /// Takes the next message off a queue for good; nil when it has none. For tools: it is not how to consume much.
    package func take(from queue: String) throws(RabbitError) -> (type: String, body: [UInt8])? {
        amqp_maybe_release_buffers_on_channel(state, Self.channel)
        let reply = withBytes([Array(queue.utf8)]) { amqp_basic_get(state, Self.channel, $0[0], 1) }
        if let error = RabbitError(reply, "reading the queue \(queue)", configuration.address) { throw error }
        guard reply.reply.id == Method.basicGetOK else { return nil }
        var message = amqp_message_t()
        let read = amqp_read_message(state, Self.channel, &message, 0)
        if let error = RabbitError(read, "reading the queue \(queue)", configuration.address) { throw error }
        defer { amqp_destroy_message(&message) }
        let body = [UInt8](UnsafeRawBufferPointer(start: message.body.bytes, count: message.body.len))
        return (String(message.properties.type), body)
    }

    /// Removes a queue with what is in it, as an operator might.
    package func delete(queue: String) throws(RabbitError) {
        withBytes([Array(queue.utf8)]) { _ = amqp_queue_delete(state, Self.channel, $0[0], 0, 0) }
        try check("deleting the queue \(queue)")
    }
}
