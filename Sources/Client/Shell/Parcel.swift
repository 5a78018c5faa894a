import Wire

/// A message of a broker as the caller's task gets it: undecoded, so that decoding is not the I/O thread's work.
struct Parcel: Sendable {
    /// Header, metadata and body; empty when the client ended the call itself.
    var frame: [UInt8] = []
    var metadataLength: UInt16 = 0
    var isCompressed = false

    private var bodyStart: Int { Header.size + Int(metadataLength) }

    var hasBody: Bool { frame.count > bodyStart }

    /// The metadata; empty when it cannot be read, because it is only beside the point.
    var metadata: Metadata {
        guard metadataLength > 0 else { return Metadata() }
        var header = Header(.result)
        header.metadataLength = metadataLength
        return (try? Metadata(decoding: frame.span, header: header)) ?? Metadata()
    }

    func body<Body: MessageBody>(as _: Body.Type) throws(WireError) -> Body {
        var offset = bodyStart
        return try Body(decoding: frame.span, at: &offset)
    }
}
