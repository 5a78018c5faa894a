import Compression
import Methods
public import Wire
import ZeroMQ

/// A call that is being written: what the core has to know of it, and its frame up to the body, which the module
/// that knows the request's type appends.
@usableFromInline
struct Draft: Sendable {
    /// Header and metadata. The body comes next.
    @usableFromInline var writer: MessagePackWriter
    let request: ClientCore.Request
    private let bodyStart: Int
    private let compresses: Bool

    /// A small request with room for its header; most of ours fit, and need no second allocation.
    private static let usualSize = 192

    /// - Parameter stream: nil for a unary call.
    /// - Throws: the refusal of options beyond their limits.
    init(
        _ header: Header, _ route: Route, _ options: CallOptions, brokers: Int, stream: StreamTerms? = nil
    ) throws(CallError) {
        if let broker = options.broker, !(0..<brokers).contains(broker) {
            throw CallError(.refused(.invalidArgument, .noSuchBroker), route)
        }
        request = ClientCore.Request(
            isRepeatable: route.isRepeatable || options.isIdempotent,
            maximumAttempts: UInt8(options.maximumAttempts),
            deadline: options.end(ofStream: stream != nil, now: .now()), pin: Int32(options.broker ?? -1),
            method: header.method, key: header.brokerKey, hedge: options.hedge, stream: stream)
        compresses = options.compression == .both
        var writer = MessagePackWriter()
        writer.reserve(Draft.usualSize)
        if options.metadata.isEmpty, options.compression == .none {
            writer.header(header)
        } else {
            try Draft.encode(header, route, options, into: &writer)
        }
        bodyStart = writer.bytes.count
        self.writer = writer
    }

    /// The header of a call with metadata, or whose answer may be compressed, and the metadata.
    private static func encode(
        _ header: Header, _ route: Route, _ options: CallOptions, into writer: inout MessagePackWriter
    ) throws(CallError) {
        var header = header
        var metadata = MessagePackWriter()
        if !options.metadata.isEmpty {
            do {
                try options.metadata.encode(into: &metadata)
            } catch {
                throw CallError(.refused(.invalidArgument, .badMetadata), route)
            }
            header.metadataLength = UInt16(metadata.bytes.count)
        }
        if options.compression != .none { header.flags.insert(.takesCompressed) }
        writer.header(header)
        writer.raw(metadata.bytes)
    }

    /// The frame with its body, complete but for call id, time left and the flag *retry*. Nil when it is larger
    /// than a message may be.
    var frame: [UInt8]? {
        let frame = compresses ? compressed() : writer.bytes
        return frame.count <= Limits.messageSize ? frame : nil
    }

    /// The frame with its body compressed, if that makes it smaller.
    private func compressed() -> [UInt8] {
        guard let body = Compression.compress(Array(writer.bytes[bodyStart...])) else { return writer.bytes }
        var frame = Array(writer.bytes[..<bodyStart])
        Header.markCompressed(&frame)
        return frame + body
    }
}
