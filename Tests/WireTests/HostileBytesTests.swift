import SeededTestSupport
import Testing
import WireTestSupport

@testable import Wire

/// Bytes made to hurt: each is refused, or read, without a trap and without memory for lengths that lie.
@Suite struct HostileBytesTests {
    @Test(arguments: ["db ff ff ff ff", "da ff ff", "d9 ff", "bf", "db 7f ff ff ff 61"])
    func `a string longer than the message is refused`(bytes: String) {
        var offset = 0
        #expect(throws: WireError(.truncated, at: 0)) {
            try hex(bytes).span.readString(at: &offset, maximum: .max, field: "name")
        }
    }

    @Test(arguments: ["dd ff ff ff ff", "dc ff ff", "dd 00 00 00 02 00", "dd 80 00 00 00"])
    func `an array with more elements than bytes is refused`(bytes: String) {
        var offset = 0
        #expect(throws: WireError.self) { try hex(bytes).span.readArrayCount(at: &offset) }
        offset = 0
        #expect(throws: WireError.self) { try hex(bytes).span.skipValue(at: &offset) }
    }

    @Test(arguments: ["df ff ff ff ff", "de ff ff", "df 00 00 00 02 a0"])
    func `a map with more elements than bytes is refused`(bytes: String) {
        var offset = 0
        #expect(throws: WireError.self) { try hex(bytes).span.readMapCount(at: &offset) }
        offset = 0
        #expect(throws: WireError.self) { try hex(bytes).span.skipValue(at: &offset) }
    }

    @Test(arguments: [UInt8(0x91), 0x81])
    func `deep nesting is refused before the stack ends`(byte: UInt8) {
        // A map of one with a map as its key, and so on.
        let bytes = [UInt8](repeating: byte, count: 60_000) + [0xc0]
        var offset = 0
        #expect(throws: WireError(.tooDeep, at: 32)) { try bytes.span.skipValue(at: &offset) }
    }

    @Test func `nesting up to the bound is read`() throws {
        let bytes = [UInt8](repeating: 0x91, count: 31) + [0xc0]
        var offset = 0
        try bytes.span.skipValue(at: &offset)
        #expect(offset == 32)
    }

    @Test(arguments: ["81 01 02", "81 c0 c0", "81 91 a1 61 01"])
    func `keys that are not strings are refused`(bytes: String) {
        var offset = 0
        let bytes = hex(bytes)
        #expect(throws: WireError(.wrongType, at: 1)) {
            try bytes.span.readMap(at: &offset) { _, _ in false }
        }
    }

    @Test func `random bytes are read or refused by every reader`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<100_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let span = bytes.span
            var offset = Int.random(in: 0...bytes.count, using: &generator)
            let start = offset
            switch Int.random(in: 0..<9, using: &generator) {
            case 0: try? span.skipValue(at: &offset)
            case 1: _ = try? span.readInteger(at: &offset)
            case 2: _ = try? span.readUnsigned(at: &offset)
            case 3: _ = try? span.readString(at: &offset, maximum: 1_000, field: "x")
            case 4: _ = try? span.readKey(at: &offset)
            case 5: _ = try? span.readDouble(at: &offset)
            case 6: _ = try? span.readArrayCount(at: &offset)
            case 7: _ = try? span.readBool(at: &offset)
            default: try? span.readMap(at: &offset) { _, _ in false }
            }
            #expect(offset >= start && offset <= bytes.count)
        }
    }
}
