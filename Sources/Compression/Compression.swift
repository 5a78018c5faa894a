import CZlib
public import Wire

/// Bodies that are compressed on the wire: their plain length, then a zlib stream (RFC 1950). `PROTOCOL.md`,
/// "Compression".
public enum Compression {
    /// Bytes of the plain length.
    private static let prefix = 4
    /// No deflate stream holds more plain bytes per compressed one (https://zlib.net/zlib_tech.html).
    private static let largestRatio = 1_032

    /// The compressed body; nil when it would be too small, too large, or not worth it.
    public static func compress(_ plain: [UInt8]) -> [UInt8]? {
        guard Limits.smallestCompressed < plain.count, plain.count <= Limits.plainSize else { return nil }
        // A result that is not smaller is of no use, so there is no room for one.
        let room = plain.count - prefix - 1
        let body = [UInt8](unsafeUninitializedCapacity: prefix + room) { target, count in
            for index in 0..<prefix {
                target[index] = UInt8(truncatingIfNeeded: plain.count >> (8 * index))
            }
            var size = UInt(room)
            // The fastest level: the second best costs three times the work for a tenth of the size.
            let code = plain.withUnsafeBufferPointer {
                compress2(target.baseAddress! + prefix, &size, $0.baseAddress, UInt($0.count), Z_BEST_SPEED)
            }
            // Z_BUF_ERROR: it does not fit.
            count = code == Z_OK ? prefix + Int(size) : 0
        }
        return body.isEmpty ? nil : body
    }

    /// The plain body, of at most `limit` bytes. Nothing is reserved for more than the stream can hold.
    public static func decompress(
        _ body: Span<UInt8>, limit: Int = Limits.plainSize
    ) throws(CompressionError) -> [UInt8] {
        guard body.count > prefix else { throw .malformed }
        var length = 0
        for index in 0..<prefix { length |= Int(body[index]) << (8 * index) }
        guard length <= limit else { throw .tooLarge(length) }
        let stream = body.extracting(prefix...)
        guard length <= stream.count * largestRatio else { throw .malformed }
        // One byte more than promised, so that a longer stream is noticed.
        var isWhole = false
        let plain = [UInt8](unsafeUninitializedCapacity: length + 1) { target, count in
            var size = UInt(length + 1)
            var used = UInt(stream.count)
            let code = stream.withUnsafeBufferPointer {
                uncompress2(target.baseAddress, &size, $0.baseAddress, &used)
            }
            isWhole = code == Z_OK && Int(used) == stream.count && Int(size) == length
            count = isWhole ? length : 0
        }
        guard isWhole else { throw .malformed }
        return plain
    }
}

/// Why a compressed body cannot be read.
public enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is no zlib stream, or inflates to another length than it says.
    case malformed
    /// It says that it inflates to more bytes than are taken.
    case tooLarge(Int)

    public var description: String {
        switch self {
        case .malformed: "the compressed body is damaged; compress it as PROTOCOL.md says"
        case .tooLarge(let length):
            "the compressed body inflates to \(length) bytes, more than are taken; send less at a time"
        }
    }
}
