import Compression
public import Wire

/// A message of a broker as the caller's task gets it: undecoded, so that decoding is not the I/O thread's work.
@usableFromInline
struct Parcel: Sendable {
    /// Header, metadata and body; empty when the client ended the call itself.
    @usableFromInline var frame: [UInt8] = []
    var metadataLength: UInt16 = 0
    @usableFromInline var isCompressed = false

    @usableFromInline var bodyStart: Int { Header.size + Int(metadataLength) }

    var hasBody: Bool { frame.count > bodyStart }

    /// The metadata; empty when it cannot be read, because it is only beside the point.
    @usableFromInline var metadata: Metadata {
        guard metadataLength > 0 else { return Metadata() }
        var header = Header(.result)
        header.metadataLength = metadataLength
        return (try? Metadata(decoding: frame.span, header: header)) ?? Metadata()
    }

    /// - Throws: what makes the body unreadable.
    @inlinable
    func body<Body: MessageBody>(as _: Body.Type) throws -> Body {
        if isCompressed {
            let plain = try Parcel.plain(frame.span.extracting(bodyStart...))
            var offset = 0
            return try Body(decoding: plain.span, at: &offset)
        }
        var offset = bodyStart
        return try Body(decoding: frame.span, at: &offset)
    }

    @usableFromInline
    static func plain(_ body: Span<UInt8>) throws -> [UInt8] { try Compression.decompress(body) }
}
