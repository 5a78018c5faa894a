import Compression
import Wire

/// A body and its metadata, ready for the wire. Made on the handler's task, so that the I/O thread only copies.
struct Parcel: Sendable {
    var body: [UInt8]
    var metadata: [UInt8] = []
    var isCompressed = false

    init(_ plain: [UInt8], mayCompress: Bool) throws(Failure) {
        guard plain.count <= Limits.plainSize else { throw Parcel.tooLarge(plain.count) }
        if mayCompress, let compressed = Compression.compress(plain) {
            body = compressed
            isCompressed = true
        } else {
            body = plain
        }
    }

    /// - Throws: when the message would be larger than any may be.
    func checkSize() throws(Failure) {
        guard Header.size + metadata.count + body.count <= Limits.messageSize else {
            throw Parcel.tooLarge(body.count)
        }
    }

    private static func tooLarge(_ size: Int) -> Failure {
        Failure(
            .resourceExhausted,
            "The reply has \(size) bytes, more than fit into a message of \(Limits.messageSize); ask for "
                + "less at a time, or take compressed replies.")
    }

    static func encode(_ metadata: Metadata) throws(Failure) -> [UInt8] {
        guard !metadata.isEmpty else { return [] }
        var writer = MessagePackWriter()
        do {
            try metadata.encode(into: &writer)
        } catch {
            throw Failure(
                .internal, "The handler set more metadata than a message may carry; see PROTOCOL.md.")
        }
        return writer.bytes
    }
}
