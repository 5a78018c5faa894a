import Compression
import Wire

/// A body as it travels.
struct BodyBytes: Sendable {
    let bytes: [UInt8]
    let isCompressed: Bool

    init(_ body: some MessageBody, compressing: Bool) {
        var writer = MessagePackWriter()
        body.encode(into: &writer)
        let compressed = compressing ? Compression.compress(writer.bytes) : nil
        bytes = compressed ?? writer.bytes
        isCompressed = compressed != nil
    }
}
