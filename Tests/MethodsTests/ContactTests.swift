import Methods
import Sales
import Testing
import Wire

@Suite struct ContactTests {
    @Test(arguments: [
        "a@b", "mei.lin+shop@mail.example.com", "o'neil@x-y.example",
        String(repeating: "a", count: 64) + "@b.c",
    ])
    func `an address is taken`(text: String) { #expect(MailAddress(text)?.rawValue == text) }

    @Test(arguments: [
        "", "mei", "@b", "a@", "a@b@c", "a b@c", "a@b c", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b..c",
        "梅@example.com", "a@例子.cn", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "a@b>", "\"a\"@b", "a,b@c",
        "a@[127.0.0.1]",
        String(repeating: "a", count: 65) + "@b.c", "a@" + String(repeating: "b", count: 64),
        "a@" + Array(repeating: "abcdefgh", count: 30).joined(separator: "."),
    ])
    func `what is no address, or would be more than one, is refused`(text: String) {
        #expect(MailAddress(text) == nil)
    }

    @Test(arguments: ["+8613800138000", "+1234567", "+123456789012345"])
    func `a number of E.164 is taken`(text: String) { #expect(PhoneNumber(text)?.rawValue == text) }

    @Test(arguments: [
        "", "+", "13800138000", "+0123456789", "+123456", "+1234567890123456", "+86 138", "+86-138000000",
        "+861380013800０",
    ])
    func `what is none is refused`(text: String) { #expect(PhoneNumber(text) == nil) }

    @Test func `an address never shows in words`() {
        #expect("\(Sample.contact)".contains("example") == false)
        #expect("\(Sample.contact)".contains("138") == false)
    }

    @Test(arguments: [
        ["mail": "x", "language": "zh"], ["phone": "1", "language": "zh"], ["mail": "a@b", "language": "fr"],
        ["language": "zh"], ["mail": "a@b"],
    ])
    func `a contact that reaches nobody is refused`(fields: [String: String]) {
        var writer = MessagePackWriter()
        writer.map(2 + fields.count)
        writer.string("sale")
        writer.integer(7)
        writer.string("buyer")
        writer.integer(42)
        for (name, value) in fields {
            writer.string(name)
            writer.string(value)
        }
        #expect(throws: WireError.self) { try Sample.decode(writer.bytes, as: Contact.self) }
    }
}
