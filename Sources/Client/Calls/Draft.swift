import Methods
import Wire
import ZeroMQ

/// A call that is ready to be submitted: its whole frame, and what the core has to know.
struct Draft: Sendable {
    let frame: [UInt8]
    let request: ClientCore.Request

    /// A small request with room for its header; most of ours fit, and need no second allocation.
    private static let usualSize = 192

    /// - Parameters:
    ///   - body: nil for a call that sends items.
    ///   - stream: nil for a unary call.
    /// - Throws: the refusal of a call that is beyond its limits, before anything is sent.
    init(
        _ header: Header, body: (some MessageBody)?, _ route: Route, _ options: CallOptions, brokers: Int,
        stream: StreamTerms? = nil
    ) throws(CallError) {
        var writer = MessagePackWriter()
        writer.reserve(Draft.usualSize)
        if options.metadata.isEmpty, options.compression == .none {
            writer.header(header)
            body?.encode(into: &writer)
        } else {
            try Draft.encode(header, body, route, options, into: &writer)
        }
        guard writer.bytes.count <= Limits.messageSize else {
            throw CallError(.refused(.invalidArgument, .tooLarge), route)
        }
        if let broker = options.broker, !(0..<brokers).contains(broker) {
            throw CallError(.refused(.invalidArgument, .noSuchBroker), route)
        }
        frame = writer.bytes
        request = ClientCore.Request(
            isRepeatable: route.isRepeatable || options.isIdempotent,
            maximumAttempts: UInt8(options.maximumAttempts),
            deadline: options.end(ofStream: stream != nil, now: .now()), pin: Int32(options.broker ?? -1),
            method: header.method, key: header.brokerKey, hedge: options.hedge, stream: stream)
    }

    /// A frame with metadata or a compressed body. The header is written last, because it tells of both.
    private static func encode(
        _ header: Header, _ body: (some MessageBody)?, _ route: Route, _ options: CallOptions,
        into writer: inout MessagePackWriter
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
        let body = body.map { BodyBytes($0, compressing: options.compression == .both) }
        if body?.isCompressed == true { header.flags.insert(.compressed) }
        writer.header(header)
        writer.raw(metadata.bytes)
        if let body { writer.raw(body.bytes) }
    }
}
