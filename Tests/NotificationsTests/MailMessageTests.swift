import Foundation
import Methods
import Notifications
import Testing

@Suite struct MailMessageTests {
    static func message(subject: String, text: String = "您好\n再见\n") -> MailMessage {
        MailMessage(
            from: MailAddress("orders@shop.example")!, fromName: "商店", to: MailAddress("mei@example.com")!,
            subject: subject, text: text, language: .chinese,
            id: MailMessage.id(event: "12-4711", from: MailAddress("orders@shop.example")!),
            date: CivilTime("2026-06-18T20:00:00Z")!)
    }

    @Test func `header and body are ASCII lines that mean what was written`() throws {
        let text = String(decoding: MailMessageTests.message(subject: "订单").bytes, as: UTF8.self)
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
        let parts = text.components(separatedBy: "\r\n\r\n")
        #expect(parts.count == 2)
        let lines = parts[0].components(separatedBy: "\r\n")
        #expect(lines.contains("To: <mei@example.com>"))
        #expect(lines.contains("From: =?utf-8?B?5ZWG5bqX?= <orders@shop.example>"))
        #expect(lines.contains("Subject: =?utf-8?B?6K6i5Y2V?="))
        #expect(lines.contains("Message-ID: <12-4711.mail@shop.example>"))
        #expect(lines.contains("Date: Thu, 18 Jun 2026 20:00:00 +0000"))
        let body = try #require(Data(base64Encoded: parts[1], options: .ignoreUnknownCharacters))
        #expect(String(decoding: body, as: UTF8.self) == "您好\r\n再见\r\n")
    }

    @Test(arguments: [0, 1, 14, 15, 16, 40, 200])
    func `a subject of any length is cut between characters`(count: Int) throws {
        let subject = String(repeating: "订😀a", count: count)
        let text = String(decoding: MailMessageTests.message(subject: subject).bytes, as: UTF8.self)
        let lines = text.components(separatedBy: "\r\n")
        let first = try #require(lines.firstIndex { $0.hasPrefix("Subject: ") })
        var words = [lines[first].dropFirst(9)]
        for line in lines[(first + 1)...] where line.hasPrefix(" ") { words.append(line.dropFirst()) }
        let decoded = try words.map { word in
            #expect(word.hasPrefix("=?utf-8?B?") && word.hasSuffix("?=") && word.utf8.count <= 75)
            let data = try #require(Data(base64Encoded: String(word.dropFirst(10).dropLast(2))))
            return try #require(String(data: data, encoding: .utf8))
        }.joined()
        #expect(decoded == subject)
        #expect(lines.allSatisfy { $0.utf8.count <= 78 })
    }

    @Test(arguments: 0...200)
    func `any body comes back as it was`(count: Int) throws {
        let body = String((0..<count).map { Character(UnicodeScalar(UInt8(33 + $0 % 90))) })
        let text = String(decoding: MailMessageTests.message(subject: "x", text: body).bytes, as: UTF8.self)
        let encoded = text.components(separatedBy: "\r\n\r\n").dropFirst().joined()
        let data = try #require(Data(base64Encoded: encoded, options: .ignoreUnknownCharacters))
        #expect(String(decoding: data, as: UTF8.self) == body)
    }
}
