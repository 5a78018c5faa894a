import SeededTestSupport
import Testing

@testable import Wire

@Suite struct MetadataTests {
    private func frame(_ metadata: Metadata, body: [UInt8] = []) throws -> [UInt8] {
        try Frame.encode(Header(.call), metadata: metadata, body: body)
    }

    private func read(_ frame: [UInt8]) throws -> Metadata {
        try Metadata(decoding: frame.span, header: try Header(decoding: frame.span))
    }

    /// A frame whose metadata is these bytes.
    private func frame(bytes: [UInt8]) -> [UInt8] {
        var header = Header(.call)
        header.metadataLength = UInt16(bytes.count)
        return Frame.encode(header, body: bytes)
    }

    @Test func `metadata is read as it was written`() throws {
        var metadata = Metadata()
        metadata[text: "traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        metadata["token"] = .binary([1, 2, 0xff])
        metadata[text: "empty"] = ""
        #expect(try read(frame(metadata, body: [0x80])) == metadata)
        #expect(metadata.pairs.map(\.key) == ["empty", "token", "traceparent"])
    }

    @Test func `a key set again has its new value, and nil takes it away`() {
        var metadata = Metadata()
        metadata[text: "a"] = "1"
        metadata[text: "a"] = "2"
        #expect(metadata[text: "a"] == "2" && metadata.pairs.count == 1)
        metadata[text: "a"] = nil
        metadata[text: "b"] = nil
        #expect(metadata.isEmpty)
    }

    @Test func `a frame without metadata has none`() throws {
        #expect(try read(Frame.encode(Header(.call), body: [0x80])).isEmpty)
    }

    @Test func `as much as is allowed fits, and not a byte more`() throws {
        var metadata = Metadata()
        let overhead = 1 + 2 * (2 + 3)
        metadata["a"] = .binary([UInt8](repeating: 1, count: Limits.metadataValueLength))
        let rest = Limits.metadataSize - Limits.metadataValueLength - overhead
        metadata["b"] = .binary([UInt8](repeating: 1, count: rest))
        #expect(try read(frame(metadata)) == metadata)
        metadata["b"] = .binary([UInt8](repeating: 1, count: rest + 1))
        #expect(throws: WireError.self) { try frame(metadata) }
        var one = Metadata()
        one["a"] = .binary([UInt8](repeating: 1, count: Limits.metadataValueLength + 1))
        #expect(throws: WireError.self) { try frame(one) }
        var many = Metadata()
        for number in 0..<64 { many[text: "k\(number)"] = "" }
        #expect(try read(frame(many)) == many)
        many[text: "one-more"] = ""
        #expect(throws: WireError.self) { try frame(many) }
    }

    @Test(
        arguments: [
            // Not a map, an upper-case key, an empty key, a key of another type, a key twice, a number for a value.
            [0x91, 0xc0], [0x81, 0xa1, 0x41, 0xa0], [0x81, 0xa0, 0xa0], [0x81, 0x01, 0xa0],
            [0x82, 0xa1, 0x61, 0xa0, 0xa1, 0x61, 0xa0], [0x81, 0xa1, 0x61, 0x01],
            // Cut short, too long, more pairs than there are bytes.
            [0x81, 0xa1, 0x61], [0x80, 0x80], [0xdf, 0x7f, 0xff, 0xff, 0xff],
        ] as [[UInt8]])
    func `metadata that is none is refused`(bytes: [UInt8]) {
        #expect(throws: WireError.self) { try read(frame(bytes: bytes) + [0x80]) }
    }

    @Test func `metadata never reads into the body`() {
        // The string says that it is longer than the metadata.
        #expect(throws: WireError.self) {
            try read(frame(bytes: [0x81, 0xa1, 0x61, 0xa4]) + Array("body".utf8))
        }
    }

    @Test func `random bytes are read or refused`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...40, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            bytes[0] = 0x80 | bytes[0] & 0x03
            _ = try? read(frame(bytes: bytes))
        }
    }
}
