import Testing
import WireTestSupport

@testable import Wire

@Suite struct MessagePackTests {
    private func written(_ write: (inout MessagePackWriter) -> Void) -> [UInt8] {
        var writer = MessagePackWriter()
        write(&writer)
        return writer.bytes
    }

    static let integers: [(value: Int64, bytes: String)] = [
        (0, "00"), (127, "7f"), (128, "cc 80"), (255, "cc ff"), (256, "cd 01 00"), (65_535, "cd ff ff"),
        (65_536, "ce 00 01 00 00"), (4_294_967_295, "ce ff ff ff ff"),
        (4_294_967_296, "cf 00 00 00 01 00 00 00 00"),
        (.max, "cf 7f ff ff ff ff ff ff ff"), (-1, "ff"), (-32, "e0"), (-33, "d0 df"), (-128, "d0 80"),
        (-129, "d1 ff 7f"), (-32_768, "d1 80 00"), (-32_769, "d2 ff ff 7f ff"),
        (-2_147_483_648, "d2 80 00 00 00"),
        (-2_147_483_649, "d3 ff ff ff ff 7f ff ff ff"), (.min, "d3 80 00 00 00 00 00 00 00"),
    ]

    @Test(arguments: integers)
    func `integers take their shortest form`(value: Int64, bytes: String) throws {
        #expect(written { $0.integer(value) } == hex(bytes))
        var offset = 0
        #expect(try reading { try hex(bytes).span.readInteger(at: &offset) } == value)
        #expect(offset == hex(bytes).count)
    }

    /// Longer forms than needed, which the specification allows.
    @Test(arguments: [
        "05", "cc 05", "cd 00 05", "ce 00 00 00 05", "cf 00 00 00 00 00 00 00 05", "d0 05",
        "d1 00 05", "d2 00 00 00 05", "d3 00 00 00 00 00 00 00 05",
    ])
    func `an integer is read in any form`(bytes: String) throws {
        var offset = 0
        #expect(try reading { try hex(bytes).span.readInteger(at: &offset) } == 5)
        offset = 0
        #expect(try reading { try hex(bytes).span.readUnsigned(at: &offset) } == 5)
    }

    @Test func `numbers that do not fit are refused`() throws {
        let large = hex("cf ff ff ff ff ff ff ff ff")
        var offset = 0
        #expect(throws: WireError(.badValue, at: 0)) { try large.span.readInteger(at: &offset) }
        offset = 0
        #expect(try reading { try large.span.readUnsigned(at: &offset) } == .max)
        offset = 0
        #expect(throws: WireError(.badValue, at: 0)) { try hex("ff").span.readUnsigned(at: &offset) }
        offset = 0
        #expect(throws: WireError(.badValue, at: 0, field: "lane")) {
            try hex("cd 80 00").span.readInteger(at: &offset, as: Int16.self, field: "lane")
        }
    }

    @Test(arguments: [0, 1, 31, 32, 255, 256, 65_535, 65_536])
    func `strings are read as they were written`(count: Int) throws {
        let text = String(repeating: "x", count: count)
        let bytes = written { $0.string(text) }
        let header = count < 32 ? 1 : count < 256 ? 2 : count < 65_536 ? 3 : 5
        #expect(bytes.count == header + count)
        var offset = 0
        #expect(try reading { try bytes.span.readString(at: &offset, maximum: count, field: "name") } == text)
        #expect(offset == bytes.count)
        guard count > 0 else { return }
        offset = 0
        #expect(throws: WireError(.badValue, at: 0, field: "name")) {
            try bytes.span.readString(at: &offset, maximum: count - 1, field: "name")
        }
    }

    @Test(arguments: ["a1 ff", "a2 c3 28", "a3 ed a0 80", "a4 f4 90 80 80", "a2 c0 80", "a1 c3"])
    func `strings that are not UTF-8 are refused`(bytes: String) {
        var offset = 0
        #expect(throws: WireError(.badValue, at: 0, field: "name")) {
            try hex(bytes).span.readString(at: &offset, maximum: 100, field: "name")
        }
    }

    @Test func `other values are read as they were written`() throws {
        let bytes = written {
            $0.null()
            $0.bool(true)
            $0.bool(false)
            $0.double(-1.5)
            $0.key(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)
            $0.string("static" as StaticString)
            $0.unsigned(.max)
        }
        var offset = 0
        #expect(reading { bytes.span.readNull(at: &offset) })
        #expect(!reading { bytes.span.readNull(at: &offset) })
        #expect(try reading { try bytes.span.readBool(at: &offset) })
        #expect(try !reading { try bytes.span.readBool(at: &offset) })
        #expect(try reading { try bytes.span.readDouble(at: &offset) } == -1.5)
        #expect(
            try reading { try bytes.span.readKey(at: &offset) } == 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)
        #expect(try reading { try bytes.span.readString(at: &offset, maximum: 6, field: "name") } == "static")
        #expect(try reading { try bytes.span.readUnsigned(at: &offset) } == .max)
        #expect(offset == bytes.count)
        #expect(!reading { bytes.span.readNull(at: &offset) })
        offset = 0
        #expect(try reading { try hex("ca 3f c0 00 00").span.readDouble(at: &offset) } == 1.5)
    }

    @Test func `a key is 16 bytes of binary and nothing else`() {
        for bytes in [
            "c4 0f" + String(repeating: " 00", count: 16), "c5 00 10" + String(repeating: " 00", count: 16),
            "b0" + String(repeating: " 00", count: 16),
        ] {
            var offset = 0
            #expect(throws: WireError(.wrongType, at: 0, field: "key")) {
                try hex(bytes).span.readKey(at: &offset)
            }
        }
    }

    @Test(arguments: [(0, 1), (15, 1), (16, 3), (65_535, 3), (65_536, 5)])
    func `counts take their shortest form`(count: Int, size: Int) throws {
        let array = written { $0.array(count) }
        let map = written { $0.map(count) }
        #expect(array.count == size && map.count == size)
        let padding = [UInt8](repeating: 0, count: count)
        var offset = 0
        #expect(try reading { try (array + padding).span.readArrayCount(at: &offset) } == count)
        offset = 0
        #expect(try reading { try (map + padding).span.readMapCount(at: &offset) } == count)
    }

    /// One of every form in the specification, with the bytes that it needs.
    static let forms: [String] = [
        "00", "7f", "80", "81 a1 61 01", "90", "92 01 02", "a0", "a2 61 62", "c0", "c2", "c3", "c4 01 00",
        "c5 00 01 00", "c6 00 00 00 01 00", "c7 01 05 00", "c8 00 01 05 00", "c9 00 00 00 01 05 00",
        "ca 00 00 00 00", "cb 00 00 00 00 00 00 00 00", "cc 00", "cd 00 00", "ce 00 00 00 00",
        "cf 00 00 00 00 00 00 00 00", "d0 00", "d1 00 00", "d2 00 00 00 00", "d3 00 00 00 00 00 00 00 00",
        "d4 05 00", "d5 05 00 00", "d6 05 00 00 00 00", "d7 05" + String(repeating: " 00", count: 8),
        "d8 05" + String(repeating: " 00", count: 16), "d9 01 61", "da 00 01 61", "db 00 00 00 01 61",
        "dc 00 01 01", "dd 00 00 00 01 01", "de 00 01 a1 61 01", "df 00 00 00 01 a1 61 01", "e0", "ff",
    ]

    @Test(arguments: forms)
    func `every form is skipped whole, and refused when cut anywhere`(form: String) throws {
        let bytes = hex(form)
        var offset = 0
        try (bytes + [0xc1]).span.skipValue(at: &offset)
        #expect(offset == bytes.count)
        for count in 0..<bytes.count {
            let cut = Array(bytes.prefix(count))
            offset = 0
            #expect(throws: WireError.self) { try cut.span.skipValue(at: &offset) }
        }
    }

    @Test func `the forms cover every first byte but the one that is never used`() {
        let first = Set(MessagePackTests.forms.map { hex($0)[0] }).filter { (0xc0...0xdf).contains($0) }
        #expect(first == Set(0xc0...0xdf).subtracting([0xc1]))
        var offset = 0
        #expect(throws: WireError(.wrongType, at: 0)) { try hex("c1").span.skipValue(at: &offset) }
    }

    @Test func `unknown fields are skipped whatever they hold`() throws {
        for form in MessagePackTests.forms {
            let bytes = hex("82 a3 6e 65 77" + form + "a1 61 07")
            var value: Int64 = 0
            var offset = 0
            try bytes.span.readMap(at: &offset) { name, offset throws(WireError) in
                guard name == "a" else { return false }
                value = try bytes.span.readInteger(at: &offset)
                return true
            }
            #expect(value == 7 && offset == bytes.count)
        }
    }
}

/// Keeps a span out of the macro that wants to take an expectation apart.
private func reading<Value>(_ read: () throws -> Value) rethrows -> Value { try read() }
