import CZeroMQ

extension Socket {
    /// Takes the next message with all its frames, for protocols of several frames such as ZAP.
    ///
    /// - Returns: nil when there is nothing now. Frames beyond `limit` are read and dropped.
    public borrowing func receiveParts(atMost limit: Int) -> [[UInt8]]? {
        var frame = Message()
        guard receive(into: &frame) else { return nil }
        var parts: [[UInt8]] = []
        while true {
            if parts.count < limit { parts.append(frame.withMutableBytes { Array($0) }) }
            // The frames of a message come together (zmq(7)), so this does not wait.
            guard frame.hasMore, receive(into: &frame) else { return parts }
        }
    }

    /// Sends a message of several frames without blocking. To a ROUTER the first one is the identity.
    public borrowing func send(parts: [[UInt8]]) -> SendResult {
        for (index, part) in parts.enumerated() {
            let flags = index == parts.count - 1 ? ZMQ_DONTWAIT : ZMQ_DONTWAIT | ZMQ_SNDMORE
            var message = Message(copying: part)
            let result = send(&message, flags: flags)
            guard result == .sent else { return result }
        }
        return .sent
    }
}
