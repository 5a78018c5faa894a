import Methods
import Synchronization
import Wire

@testable import Client

/// A number, as an item.
struct Number: MessageBody, Hashable, Routed {
    var value: Int64
    init(_ value: Int64) { self.value = value }
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        _ = try bytes.readMapCount(at: &offset)
        try bytes.skipValue(at: &offset)
        value = try bytes.readInteger(at: &offset, as: Int64.self, field: "n")
    }
    func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("n" as StaticString)
        writer.integer(value)
    }
    var route: Route { .anywhere }
}

enum NumberMethods {
    /// Counts from 0 up to a number, exclusively.
    static let count = StreamMethod<Number, Number>("numbers.count", .serverStream)
    static let sum = StreamMethod<Number, Number>("numbers.sum", .clientStream)
    static let double = StreamMethod<Number, Number>("numbers.double", .bidirectional)
    static let square = Method<Number, Number>("numbers.square")
}

/// A service of numbers inside a test broker, which keeps the rules of streams.
///
/// `answer` and `others` are for `TestBroker`. Items that the caller has no credit for wait here.
final class StreamService: Sendable {
    private struct Stream {
        var method: MethodID
        var waiting: [Int64] = []
        var sum: Int64 = 0
        var sent: UInt32 = 0
        var maySend = Limits.initialCredit
        var received: UInt32 = 0
        var mayReceive = Limits.initialCredit
        var hasEnded = false
        var metadata = Metadata()
    }

    private let streams = Mutex<[UInt64: Stream]>([:])
    /// The caller's items that were taken, over all streams.
    let received = Atomic<Int>(0)
    /// False: the service takes no items beyond the first sixteen.
    let grantsCredit = Atomic<Bool>(true)
    /// Items that came beyond their credit or out of order.
    let violations = Atomic<Int>(0)

    var open: Int { streams.withLock { $0.count } }

    var answer: TestBroker.Answer {
        { [self] call, bytes in
            var stream = Stream(method: call.method)
            let frame = Frame.encode(call) + bytes
            stream.metadata = (try? Metadata(decoding: frame.span, header: call)) ?? Metadata()
            if call.flags.contains(.end) {
                let body = Array(bytes[Int(call.metadataLength)...])
                if call.method == NumberMethods.square.id {
                    let number = StreamService.number(body)
                    var header = Header(.result)
                    header.flags = [.end]
                    header.callID = call.callID
                    return [StreamService.frame(header, stream.metadata, Number(number * number))]
                }
                stream.waiting = Array(0..<StreamService.number(body))
                stream.hasEnded = true
            }
            streams.withLock { $0[call.callID] = stream }
            return flow(call.callID)
        }
    }

    var others: TestBroker.Answer {
        { [self] header, body in
            switch header.kind {
            case .data: take(header, body)
            case .credit:
                streams.withLock {
                    let total = max($0[header.callID]?.maySend ?? 0, header.sequence)
                    $0[header.callID]?.maySend = total
                }
            case .cancel: streams.withLock { $0[header.callID] = nil }
            default: break
            }
            return flow(header.callID)
        }
    }

    private func take(_ header: Header, _ body: [UInt8]) {
        streams.withLock { streams in
            guard var stream = streams[header.callID] else { return }
            if header.flags.contains(.end) {
                stream.hasEnded = true
            } else {
                let isGood = header.sequence == stream.received && stream.received < stream.mayReceive
                if !isGood { violations.add(1, ordering: .relaxed) }
                received.add(1, ordering: .relaxed)
                stream.received += 1
                let number = StreamService.number(body)
                stream.sum += number
                if stream.method == NumberMethods.double.id { stream.waiting.append(number * 2) }
            }
            streams[header.callID] = stream
        }
    }

    /// Everything that the stream may say now.
    private func flow(_ id: UInt64) -> [[UInt8]] {
        streams.withLock { streams in
            guard var stream = streams[id] else { return [] }
            var frames: [[UInt8]] = []
            while stream.sent < stream.maySend, !stream.waiting.isEmpty {
                var header = Header(.data)
                header.callID = id
                header.sequence = stream.sent
                let metadata = stream.sent == 0 ? StreamService.note("initial") : Metadata()
                frames.append(StreamService.frame(header, metadata, Number(stream.waiting.removeFirst())))
                stream.sent += 1
            }
            if grantsCredit.load(ordering: .relaxed), stream.mayReceive - stream.received <= 8 {
                stream.mayReceive = stream.received + 16
                var header = Header(.credit)
                header.callID = id
                header.sequence = stream.mayReceive
                frames.append(Frame.encode(header))
            }
            streams[id] = stream
            guard stream.hasEnded, stream.waiting.isEmpty else { return frames }
            streams[id] = nil
            return frames + [StreamService.end(id, stream.sent, stream.sum, stream.method)]
        }
    }

    // MARK: Frames

    private static func end(_ id: UInt64, _ sent: UInt32, _ sum: Int64, _ method: MethodID) -> [UInt8] {
        var header = Header(.result)
        header.flags = [.end]
        header.callID = id
        header.sequence = sent
        return frame(header, note("trailing"), method == NumberMethods.sum.id ? Number(sum) : nil)
    }

    private static func note(_ text: String) -> Metadata {
        var metadata = Metadata()
        metadata[text: "note"] = text
        return metadata
    }

    private static func frame(_ header: Header, _ metadata: Metadata, _ body: Number?) -> [UInt8] {
        var writer = MessagePackWriter()
        body?.encode(into: &writer)
        guard let frame = try? Frame.encode(header, metadata: metadata, body: writer.bytes) else {
            preconditionFailure("metadata of a test beyond its limits")
        }
        return frame
    }

    private static func number(_ body: [UInt8]) -> Int64 {
        var offset = 0
        guard let number = try? Number(decoding: body.span, at: &offset) else {
            preconditionFailure("not a number")
        }
        return number.value
    }
}
