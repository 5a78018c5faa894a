import HTTP
import Testing
import Wire

@Suite struct MailServerTests {
    @Test(arguments: [
        "smtp://mail.example", "smtps://mail.example:465", "smtp://[::1]:25", "smtp://127.0.0.1:2525",
    ])
    func `a mail server is taken`(url: String) throws { #expect(try MailServer(url).url == url) }

    @Test(arguments: [
        ("mail.example", "smtp://"), ("http://mail.example", "smtp://"), ("smtp://", "smtp://"),
        ("smtp://a b", "smtp://"), ("smtp://host/\r\nRSET", "smtp://"),
        ("smtp://me:secret@host", "--smtp-user"),
    ])
    func `what is none is refused with what to write`(url: String, words: String) {
        let mistake = #expect(throws: MailServer.Mistake.self) { try MailServer(url) }
        #expect(mistake?.words.contains(words) == true)
        #expect(mistake?.words.contains("secret") == false)
    }

    @Test func `a server that is not there took nothing`() throws {
        var server = try MailServer("smtp://127.0.0.1:9")
        server.timeout = .seconds(2)
        guard case .unreachable = MailClient(server).send(from: "a@b.c", to: "d@e.f", message: [0x78]) else {
            Issue.record("something answered")
            return
        }
    }

    @Test func `a line end in an address is a trap, not a command`() async {
        await #expect(processExitsWith: .failure) {
            let client = MailClient(try MailServer("smtp://127.0.0.1:9"))
            _ = client.send(from: "a@b.c", to: "d@e.f>\r\nRCPT TO:<x@y.z", message: [0x78])
        }
    }
}
