/// A whole message as bytes: header, metadata and body.
public enum Frame {
    /// The bytes of a message without metadata. For messages off the hot path; the shells that send many
    /// write header and body straight into a ZeroMQ message.
    public static func encode(_ header: Header, body: some MessageBody) -> [UInt8] {
        var writer = MessagePackWriter()
        body.encode(into: &writer)
        return encode(header, body: writer.bytes)
    }

    public static func encode(_ header: Header, body: [UInt8] = []) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: Header.size)
        var span = frame.mutableSpan
        header.encode(into: &span)
        frame.append(contentsOf: body)
        return frame
    }

    /// The bytes of a message with metadata; sets the header's length of it.
    ///
    /// - Throws: `badLength` when the metadata is more than a message may carry.
    public static func encode(
        _ header: Header, metadata: Metadata, body: [UInt8] = []
    ) throws(WireError) -> [UInt8] {
        guard !metadata.isEmpty else { return encode(header, body: body) }
        var writer = MessagePackWriter()
        try metadata.encode(into: &writer)
        var header = header
        header.metadataLength = UInt16(writer.bytes.count)
        return encode(header, body: writer.bytes + body)
    }

    /// Reads the body of a frame whose header is known; refuses bytes after it.
    public static func decodeBody<Body: MessageBody>(
        _ frame: Span<UInt8>, header: Header, as: Body.Type
    ) throws(WireError) -> Body {
        var offset = Header.size + Int(header.metadataLength)
        let body = try Body(decoding: frame, at: &offset)
        guard offset == frame.count else { throw WireError(.trailingBytes, at: offset) }
        return body
    }
}
