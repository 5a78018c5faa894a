import Compression
public import Wire

/// Bodies between their types and the wire.
@usableFromInline
enum BodyBytes {
    static func encode(_ body: some MessageBody) -> [UInt8] {
        var writer = MessagePackWriter()
        writer.reserve(128)
        body.encode(into: &writer)
        return writer.bytes
    }

    static func decode<Body: MessageBody>(_ bytes: [UInt8]) throws(Failure) -> Body {
        try decode(bytes.span, at: 0)
    }

    /// Reads the body that begins at `offset`; refuses bytes after it.
    @inlinable
    static func decode<Body: MessageBody>(_ bytes: Span<UInt8>, at offset: Int) throws(Failure) -> Body {
        do throws(WireError) {
            var offset = offset
            let body = try Body(decoding: bytes, at: &offset)
            guard offset == bytes.count else { throw WireError(.trailingBytes, at: offset) }
            return body
        } catch {
            throw .malformed("request", error)
        }
    }

    static func decompress(_ bytes: Span<UInt8>) throws(Failure) -> [UInt8] {
        do throws(CompressionError) {
            return try Compression.decompress(bytes)
        } catch {
            throw .malformed("request", error)
        }
    }
}
