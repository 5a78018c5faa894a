import Digests
import Testing

@Suite struct WebhookSignatureTests {
    private let secret = Array("whsec".utf8)
    private let body = Array(#"{"id":"evt_1"}"#.utf8)

    /// RFC 4231 §4.3, test case 2.
    @Test func `the code is that of the RFC`() {
        let code = HMAC.sha256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(
            Hexadecimal.text(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test(arguments: [0, 299, -300] as [Int64]) func `what was signed about now passes`(age: Int64) throws {
        let header = WebhookSignature.header(secret: secret, time: 1_000_000 - age, body: body)
        try WebhookSignature.check(header, secret: secret, now: 1_000_000, body: body)
    }

    @Test(arguments: [301, -301, 1_000_000] as [Int64]) func `an old one is refused`(age: Int64) {
        let header = WebhookSignature.header(secret: secret, time: 1_000_000 - age, body: body)
        #expect(throws: WebhookSignature.Mistake.expired) {
            try WebhookSignature.check(header, secret: secret, now: 1_000_000, body: body)
        }
    }

    @Test func `another body, secret or time is refused`() {
        let header = WebhookSignature.header(secret: secret, time: 100, body: body)
        #expect(throws: WebhookSignature.Mistake.wrong) {
            try WebhookSignature.check(header, secret: secret, now: 100, body: body + [32])
        }
        #expect(throws: WebhookSignature.Mistake.wrong) {
            try WebhookSignature.check(header, secret: secret + [1], now: 100, body: body)
        }
        #expect(throws: WebhookSignature.Mistake.wrong) {
            try WebhookSignature.check("t=101" + header.dropFirst(5), secret: secret, now: 100, body: body)
        }
    }

    @Test func `of two signatures one that is right is enough`() throws {
        let old = WebhookSignature.header(secret: secret + [1], time: 100, body: body)
        let new = WebhookSignature.header(secret: secret, time: 100, body: body).dropFirst(6)
        try WebhookSignature.check("\(old),\(new),v0=other", secret: secret, now: 100, body: body)
    }

    @Test(arguments: [
        "", "t=100", "v1=00", "t=100,v1=", "t=x,v1=00", "t=-1,v1=00", "t=100,t=100,v1=00", "t=+100,v1=00",
        "=",
        "t=100,v1=zz",
    ]) func `anything else is malformed`(header: String) {
        #expect(throws: WebhookSignature.Mistake.malformed) {
            try WebhookSignature.check(header, secret: secret, now: 100, body: body)
        }
    }
}
