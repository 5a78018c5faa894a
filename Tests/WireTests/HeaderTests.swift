import SeededTestSupport
import Testing

@testable import Wire

@Suite struct HeaderTests {
    static func random(_ kind: Header.Kind, _ generator: inout SeededGenerator) -> Header {
        var header = Header(kind)
        header.flags = Header.Flags(rawValue: UInt8.random(in: 0...15, using: &generator))
        if kind == .result {
            header.status = Status.allCases.randomElement(using: &generator) ?? .ok
        } else {
            header.priority = Priority.allCases.randomElement(using: &generator) ?? .normal
        }
        header.certainty = Certainty.allCases.randomElement(using: &generator) ?? .executed
        header.reason = Reason.allCases.randomElement(using: &generator) ?? .none
        header.callID = generator.next()
        header.sequence = UInt32.random(in: 0 ... .max, using: &generator)
        header.milliseconds = UInt32.random(in: 0 ... .max, using: &generator)
        header.method = MethodID(rawValue: generator.next())
        header.routing = RoutingKey(
            sale: Int64.random(in: .min ... .max, using: &generator),
            lane: Int16.random(in: .min ... .max, using: &generator))
        header.requestKey = UInt128.random(in: 0 ... .max, using: &generator)
        return header
    }

    @Test(arguments: Header.Kind.allCases)
    func `what is written is read`(kind: Header.Kind) throws {
        var generator = SeededGenerator(seed: UInt64(kind.rawValue))
        for _ in 0..<500 {
            let header = HeaderTests.random(kind, &generator)
            #expect(try Header(decoding: Frame.encode(header).span) == header)
        }
    }

    @Test func `readdressing changes what it names and nothing else`() {
        var generator = SeededGenerator(seed: 5)
        func changed(_ kind: Header.Kind, _ write: (inout MutableSpan<UInt8>) -> Void) -> Set<Int> {
            // A reason that nobody knows passes through.
            var frame = Frame.encode(HeaderTests.random(kind, &generator))
            (frame[3], frame[6], frame[7], frame[42], frame[43]) = (1, 0, 2, 0xee, 0xee)
            for offset in 8..<24 { frame[offset] = 0 }
            let before = frame
            var span = frame.mutableSpan
            write(&span)
            return Set(frame.indices.filter { frame[$0] != before[$0] })
        }
        let id = UInt64.max
        let call = changed(.call) {
            Header.readdress(&$0, callID: id, milliseconds: .max, isRetry: true, priority: .high)
        }
        #expect(call == Set([3, 6] + Array(8..<16) + Array(20..<24)))
        let plain = changed(.call) { Header.readdress(&$0, callID: id, milliseconds: .max, isRetry: false) }
        #expect(plain == Set(Array(8..<16) + Array(20..<24)))
        let result = changed(.result) { Header.readdress(&$0, callID: id, certainty: .notExecuted) }
        #expect(result == Set([7] + Array(8..<16)))
        let item = changed(.data) { Header.readdress(&$0, callID: id, sequence: .max) }
        #expect(item == Set(8..<20))
    }

    @Test func `a frame shorter than a header is refused at every length`() {
        let frame = Frame.encode(Header(.call))
        for count in 0..<Header.size {
            let cut = Array(frame.prefix(count))
            #expect(throws: WireError(.truncated, at: count)) { try Header(decoding: cut.span) }
        }
    }

    /// A byte of a valid CALL without metadata, overwritten.
    static let wrongBytes: [(offset: Int, value: UInt8, error: WireError)] = [
        (0, 0x54, WireError(.badMagic, at: 0)),
        (1, 0, WireError(.unknownVersion, at: 1)),
        (1, 2, WireError(.unknownVersion, at: 1)),
        (2, 0x00, WireError(.unknownKind, at: 2)),
        (2, 0x16, WireError(.unknownKind, at: 2)),
        (3, 0x90, WireError(.reservedBits, at: 3)),
        (3, 0x80, WireError(.reservedBits, at: 3)),
        (4, 1, WireError(.badLength, at: 4)),
        (5, 0xff, WireError(.badLength, at: 4)),
        (6, 3, WireError(.badValue, at: 6, field: "priority")),
        (7, 3, WireError(.badValue, at: 7, field: "certainty")),
        (44, 1, WireError(.reservedBits, at: 44)),
        (47, 0x80, WireError(.reservedBits, at: 44)),
    ]

    @Test(arguments: wrongBytes)
    func `a wrong byte is named by its place`(offset: Int, value: UInt8, error: WireError) {
        var frame = Frame.encode(Header(.call))
        frame[offset] = value
        #expect(throws: error) { try Header(decoding: frame.span) }
    }

    @Test func `a result has a status where others have a priority`() {
        var frame = Frame.encode(Header(.result))
        frame[6] = 17
        #expect(throws: WireError(.badValue, at: 6, field: "status")) { try Header(decoding: frame.span) }
    }

    @Test(arguments: [2, 9, 28, 39, 90, 0xffff])
    func `a reason of a newer peer is read as other`(reason: UInt16) throws {
        var frame = Frame.encode(Header(.result))
        frame[42] = UInt8(reason & 0xff)
        frame[43] = UInt8(reason >> 8)
        #expect(try Header(decoding: frame.span).reason == .other)
    }

    @Test func `a body begins after the metadata`() throws {
        var header = Header(.call)
        header.metadataLength = 3
        let frame = Frame.encode(header, body: [0xff, 0xff, 0xff, 0x80])
        #expect(try Frame.decodeBody(frame.span, header: header, as: Empty.self) == Empty())
    }

    @Test func `bytes after the body are refused`() {
        let frame = Frame.encode(Header(.call), body: [0x80, 0x00])
        #expect(throws: WireError(.trailingBytes, at: 65)) {
            try Frame.decodeBody(frame.span, header: Header(.call), as: Empty.self)
        }
    }

    @Test func `random bytes are read or refused`() {
        var generator = SeededGenerator(seed: 1)
        var read = 0
        for round in 0..<100_000 {
            var frame = Frame.encode(HeaderTests.random(.call, &generator))
            // Mostly almost right: all random would end at the magic.
            for _ in 0..<(round % 4) {
                frame[Int.random(in: 0..<frame.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if (try? Header(decoding: frame.span)) != nil { read += 1 }
        }
        #expect((25_000..<100_000).contains(read))
    }
}
