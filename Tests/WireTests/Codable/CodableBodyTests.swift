import Testing
import Wire

@Suite struct CodableBodyTests {
    struct Line: Codable, Hashable, Sendable {
        var name: String
        var count: Int16
    }

    struct ID: RawRepresentable, Codable, Hashable, Sendable {
        var rawValue: Int64
    }

    enum Colour: String, Codable, Sendable, CaseIterable {
        case red
        case green
    }

    struct Everything: CodableBody, Hashable {
        var id: ID
        var flag = true
        var big = UInt64.max
        var negative: Int8 = -5
        var half = 0.5
        var text = "häuser"
        var bytes = Binary([1, 2, 3])
        var numbers: [UInt8] = [7, 8]
        var lines = [Line(name: "a", count: 1), Line(name: "b", count: 2)]
        var prices = ["x": 1, "y": 2]
        var colour = Colour.green
        var note: String?
        var inner: Line?
        var anything: MessagePackValue = ["a": [1, nil, 2.5]]
    }

    private func encoded(_ value: MessagePackValue) -> [UInt8] {
        var writer = MessagePackWriter()
        value.encode(into: &writer)
        return writer.bytes
    }

    private func decode<Body: MessageBody>(_ bytes: [UInt8], as: Body.Type) throws(WireError) -> Body {
        var offset = 0
        let body = try Body(decoding: bytes.span, at: &offset)
        guard offset == bytes.count else { throw WireError(.trailingBytes, at: offset) }
        return body
    }

    @Test func `what is written is read`() throws {
        var everything = Everything(id: ID(rawValue: 77))
        for inner in [nil, Line(name: "i", count: -1)] {
            everything.inner = inner
            var writer = MessagePackWriter()
            everything.encode(into: &writer)
            #expect(try decode(writer.bytes, as: Everything.self) == everything)
        }
    }

    @Test func `fields without a value are left out`() throws {
        var writer = MessagePackWriter()
        Everything(id: ID(rawValue: 1)).encode(into: &writer)
        let tree = try decode(writer.bytes, as: MessagePackValue.self)
        #expect(tree["note"] == nil && tree["inner"] == nil)
        #expect(tree["id"] == 1 && tree["colour"] == "green" && tree["bytes"] == .binary([1, 2, 3]))
        #expect(tree["numbers"] == [7, 8] && tree["big"] == .uint(.max))
    }

    struct Small: CodableBody, Hashable {
        var name: String
        var lines: [Line]?
        var prices: [String: Int]?
        var ratio: Double?
        var colour: Colour?
    }

    @Test func `unknown fields are skipped, the last of two counts, and whole numbers are numbers`() throws {
        let bytes = encoded([
            "name": "x", "extra": ["deep": [1, 2]], "ext": .other(type: 5, bytes: [1, 2]), "ratio": 3,
            "name": "y",
        ])
        #expect(try decode(bytes, as: Small.self) == Small(name: "y", ratio: 3))
    }

    static let bad: [(tree: MessagePackValue, error: WireError)] = [
        (["name": 1], WireError(.wrongType, at: 0, field: "name")),
        (["nome": "x"], WireError(.missingField, at: 0, field: "name")),
        (
            ["name": "x", "lines": [["name": "a", "count": 1], ["name": "a"]]],
            WireError(.missingField, at: 0, field: "lines.1.count")
        ),
        (
            ["name": "x", "lines": [["name": "a", "count": 40_000]]],
            WireError(.badValue, at: 0, field: "lines.0.count")
        ),
        // A key of a dictionary is the peer's word, which is not repeated.
        (["name": "x", "prices": ["secret": "y"]], WireError(.wrongType, at: 0, field: "prices.*")),
        (["name": "x", "colour": "blue"], WireError(.badValue, at: 0, field: "colour")),
        ([1, 2], WireError(.wrongType, at: 0)),
    ]

    @Test(arguments: bad)
    func `bad input names its field`(tree: MessagePackValue, error: WireError) {
        #expect(throws: error) { try decode(encoded(tree), as: Small.self) }
    }

    @Test func `every value survives the wire`() throws {
        let tree: MessagePackValue = [
            "null": nil, "t": true, "i": -40_000, "d": 1.25, "s": "",
            "long": .string(String(repeating: "x", count: 300)),
            "bin": .binary(Array(repeating: 1, count: 300)), "ext": .other(type: -3, bytes: [9, 9, 9]),
            "u": .uint(.max), "a": .array((0..<20).map { .int($0) }), "m": [:],
        ]
        #expect(try decode(encoded(tree), as: MessagePackValue.self) == tree)
        // The fixed and short forms of values of an application's own type.
        for bytes: [UInt8] in [
            [0xd4, 7, 1], [0xc7, 1, 7, 1], [0xc8, 0, 1, 7, 1], [0xc9, 0, 0, 0, 1, 7, 1],
        ] {
            #expect(try decode(bytes, as: MessagePackValue.self) == .other(type: 7, bytes: [1]))
        }
    }

    @Test func `hostile bytes are refused before they cost memory`() {
        let deep = [UInt8](repeating: 0x91, count: 40)
        #expect(throws: WireError.self) { try decode(deep, as: MessagePackValue.self) }
        #expect(throws: WireError(.truncated, at: 5)) {
            try decode([0xdd, 0xff, 0xff, 0xff, 0xff], as: MessagePackValue.self)
        }
        #expect(throws: WireError.self) { try decode([0x81, 1, 1], as: MessagePackValue.self) }
        let many = [0xdd, 0, 1, 0, 1] + [UInt8](repeating: 0xc0, count: 65_537)
        #expect(throws: WireError.self) { try decode(many, as: MessagePackValue.self) }
    }
}
