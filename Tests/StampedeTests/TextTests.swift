import Sales
import Testing

@testable import stampede

@Suite struct TextTests {
    @Test(arguments: [
        ("1", 1 as UInt128), ("ff", 255), ("FF", 255), ("00000000-0000-0000-0000-0000000000ff", 255),
        ("ffffffffffffffffffffffffffffffff", .max),
    ])
    func `a request key is a UUID or hexadecimal digits`(text: String, value: UInt128) throws {
        #expect(try RequestKey(text: text).rawValue == value)
    }

    @Test(arguments: [
        "", "0", "00000000-0000-0000-0000-000000000000", "xyz", "-1", "+1", "1-2", "0x12",
        "000000000-000-0000-0000-0000000000ff", "1ffffffffffffffffffffffffffffffff",
    ])
    func `what is not a request key is refused as a usage mistake`(text: String) {
        let failure = #expect(throws: Failure.self) { try RequestKey(text: text) }
        #expect(failure?.code == .usage)
    }

    @Test func `a request key is written as it can be read`() throws {
        let key = RequestKey(rawValue: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
        #expect(key.text == "01234567-89ab-cdef-0123-456789abcdef")
        #expect(try RequestKey(text: key.text) == key)
        #expect(RequestKey(rawValue: 255).text == "00000000-0000-0000-0000-0000000000ff")
    }

    @Test(arguments: [
        ([], ""), ([5], "5"), ([0, 1, 2, 3], "0-3"), ([9, 0, 1, 7, 3], "0-1,3,7,9"), ([2, 2, 3], "2-3"),
    ])
    func `numbers in a row are written as a range`(numbers: [Int], text: String) {
        #expect(Ranges.text(numbers) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func `large numbers have commas`(number: Int, text: String) {
        #expect(number.grouped == text)
    }

    @Test(arguments: [
        (1.0, 2, "1.00"), (0.005, 3, "0.005"), (-1.25, 1, "-1.3"), (12.5, 0, "13"), (0.999, 2, "1.00"),
    ])
    func `decimals have a fixed number of digits`(number: Double, digits: Int, text: String) {
        #expect(number.fixed(digits) == text)
    }

    @Test func `columns of a table are aligned`() {
        var table = Table([("NAME", .left), ("N", .right)])
        table.add(["a", "1,000"])
        table.add(["longer", "1"])
        #expect(table.text == "NAME        N\na       1,000\nlonger      1")
    }

    @Test func `JSON is one line, in order, with everything escaped`() {
        let value = JSON.object([
            ("z", .string("a\"\\\n\u{1}é")), ("a", .array([.integer(1), .null, .bool(true)])),
            ("d", .decimal(1.5)), ("nan", .decimal(.nan)),
        ])
        #expect(value.text == #"{"z":"a\"\\\n\u0001é","a":[1,null,true],"d":1.500,"nan":null}"#)
    }

    @Test(arguments: [
        ("nothing runs", "Nothing runs."), ("Stop!", "Stop!"), ("‘x’ is no key", "‘x’ is no key."), ("", ""),
    ])
    func `an error is a sentence`(text: String, sentence: String) {
        #expect(text.asSentence == sentence)
    }
}
