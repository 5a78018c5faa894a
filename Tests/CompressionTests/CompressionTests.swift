import Compression
import Testing
import Wire
import WireTestSupport

@Suite struct CompressionTests {
    private func decompress(_ body: [UInt8], limit: Int = Limits.plainSize) throws -> [UInt8] {
        try Compression.decompress(body.span, limit: limit)
    }

    @Test(arguments: [1_025, 4_000, 65_000, 1 << 20])
    func `what is compressed comes back`(size: Int) throws {
        let plain = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 100) }
        let body = try #require(Compression.compress(plain))
        #expect(body.count < plain.count)
        #expect(try decompress(body) == plain)
    }

    @Test func `what would not get smaller, or is small or huge already, stays plain`() {
        var generator = SystemRandomNumberGenerator()
        #expect(
            Compression.compress((0..<5_000).map { _ in UInt8.random(in: 0...255, using: &generator) }) == nil
        )
        #expect(Compression.compress([UInt8](repeating: 0, count: 1_024)) == nil)
        #expect(Compression.compress([UInt8](repeating: 0, count: 1 << 20 + 1)) == nil)
    }

    @Test func `the page's compressed item can be read`() throws {
        let frame = try #require(ProtocolDocument.shared.frames.first { $0.claims["flags"] == "compressed" })
        let plain = try decompress(Array(frame.bytes[Header.size...]))
        var offset = 0
        let body = try MessagePackValue(decoding: plain.span, at: &offset)
        #expect(body["text"] == .string(String(repeating: "ha", count: 1_000)))
    }

    @Test func `a lie about the length is refused`() throws {
        let plain = [UInt8](repeating: 7, count: 2_000)
        let good = try #require(Compression.compress(plain))
        for length in [1_999, 2_001, 0, 1_000_000] {
            var body = good
            for index in 0..<4 { body[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
            #expect(throws: CompressionError.malformed) { try decompress(body) }
        }
        #expect(throws: CompressionError.tooLarge(2_000)) { try decompress(good, limit: 1_999) }
        #expect(throws: CompressionError.tooLarge(0xffff_ffff)) {
            try decompress([0xff, 0xff, 0xff, 0xff] + good[4...])
        }
    }

    @Test func `damaged streams are refused`() throws {
        let good = try #require(Compression.compress([UInt8](repeating: 7, count: 2_000)))
        for count in 0..<good.count {
            #expect(throws: CompressionError.self) { try decompress(Array(good[..<count])) }
        }
        #expect(throws: CompressionError.malformed) { try decompress(good + [0]) }
    }
}
