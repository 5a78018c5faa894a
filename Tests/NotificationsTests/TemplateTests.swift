import Methods
import Notifications
import Sales
import Testing

@Suite struct TemplateTests {
    static let event = OrderEvent(
        id: "1-2", occasion: .placed, time: CivilTime("2026-06-18T12:00:00Z")!, sale: SaleID(rawValue: 7),
        buyer: BuyerID(rawValue: 42), order: "1-2", units: 2, until: CivilTime("2026-06-18T12:15:00Z"),
        reason: "out of stock")

    @Test(arguments: Occasion.allCases, Language.allCases)
    func `every occasion has words in both languages`(occasion: Occasion, language: Language) throws {
        var event = TemplateTests.event
        event.occasion = occasion
        for channel in Channel.allCases {
            let message = try Templates().message(
                for: event, language, channel, offset: UTCOffset("+08:00")!)
            #expect(message.text.contains("1-2"))
            #expect(!message.text.contains("{{"))
            #expect(message.subject.isEmpty == (channel == .sms))
            #expect(message.text.contains("订单") == (language == .chinese))
        }
    }

    @Test func `times are told by the reader's clock`() throws {
        let message = try Templates().message(
            for: TemplateTests.event, .chinese, .sms, offset: UTCOffset("+08:00")!)
        #expect(message.text == "您的订单1-2（2件）已预留，请在2026-06-18 20:15 (UTC+08:00)前付款，逾期将自动取消。")
    }

    @Test func `an operator's file stands in place of ours`() throws {
        let templates = try Templates { $0 == "placed.en.sms.txt" ? "Pay {{order}}!\n" : nil }
        let message = try templates.message(for: TemplateTests.event, .english, .sms, offset: .utc)
        #expect(message.text == "Pay 1-2!")
    }

    @Test(arguments: [
        ("placed.en.sms.txt", "{{oder}}", "{{oder}}"), ("placed.en.sms.txt", "{{order", "{{ without }}"),
        ("placed.en.sms.txt", "\n", "no text"), ("placed.en.mail.txt", "Hello\n\nx", "Subject"),
        ("placed.en.mail.txt", "Subject: x\nno empty line\ny", "Subject"),
        ("placed.en.mail.txt", String(repeating: "x", count: 20_000), "16384"),
    ])
    func `a template that cannot be used is refused at the start, by its file's name`(
        file: String, text: String, words: String
    ) {
        let mistake = #expect(throws: Template.Mistake.self) { try Templates { $0 == file ? text : nil } }
        #expect(mistake?.words.contains(file) == true)
        #expect(mistake?.words.contains(words) == true)
    }

    @Test func `an event that does not say what a template needs is no message`() {
        var event = TemplateTests.event
        event.until = nil
        let mistake = #expect(throws: Template.Mistake.self) {
            try Templates().message(for: event, .english, .mail, offset: .utc)
        }
        #expect(mistake?.words.contains("{{until}}") == true)
    }

    @Test func `words from outside bring no line of their own`() throws {
        var event = TemplateTests.event
        event.reason = "a\r\nBcc: x@example.com\u{1b}[2J"
        let templates = try Templates {
            $0 == "placed.en.mail.txt" ? "Subject: {{reason}}\n\n{{reason}}" : nil
        }
        let message = try templates.message(for: event, .english, .mail, offset: .utc)
        #expect(message.subject == "a  Bcc: x@example.com [2J")
    }

    @Test func `a short message that gets too long is refused`() throws {
        var event = TemplateTests.event
        event.reason = String(repeating: "长", count: 501)
        let templates = try Templates { $0 == "placed.en.sms.txt" ? "{{reason}}" : nil }
        #expect(throws: Template.Mistake.self) {
            try templates.message(for: event, .english, .sms, offset: .utc)
        }
    }
}

@Suite struct CivilTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59.999999Z", 951_868_799_999_999),
        ("2026-06-18T20:00:00+08:00", 1_781_784_000_000_000), ("1969-12-31T23:59:59.5Z", -500_000),
        ("2026-06-18T12:00:00.1234567Z", 1_781_784_000_123_456),
    ])
    func `RFC 3339 is read`(text: String, microseconds: Int64) {
        #expect(CivilTime(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-06-18", "2026-06-18T20:00:00", "2026-13-18T20:00:00Z", "2026-06-18T20:00:00.Z",
        "2026-06-18T24:00:00Z", "2026-06-18T20:00:00Zx",
    ])
    func `what is not, is refused`(text: String) { #expect(CivilTime(text) == nil) }

    @Test func `a moment is told by any clock`() throws {
        let time = try #require(CivilTime("2025-12-31T23:59:00Z"))
        #expect(time.text(offset: .utc) == "2025-12-31 23:59 (UTC)")
        #expect(time.text(offset: try #require(UTCOffset("+08:00"))) == "2026-01-01 07:59 (UTC+08:00)")
        #expect(time.text(offset: try #require(UTCOffset("-03:30"))) == "2025-12-31 20:29 (UTC-03:30)")
        #expect(time.mailDate == "Wed, 31 Dec 2025 23:59:00 +0000")
    }
}
