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
        if options.metadata.isEmpty {
            writer.header(header)
        } else {
            try Draft.begin(&writer, header, options.metadata, route)
        }
        body?.encode(into: &writer)
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

    private static func begin(
        _ writer: inout MessagePackWriter, _ header: Header, _ metadata: Metadata, _ route: Route
    ) throws(CallError) {
        var values = MessagePackWriter()
        do {
            try metadata.encode(into: &values)
        } catch {
            throw CallError(.refused(.invalidArgument, .badMetadata), route)
        }
        var header = header
        header.metadataLength = UInt16(values.bytes.count)
        writer.header(header)
        writer.raw(values.bytes)
    }
}
