import HTTP
import Testing
import Wire

@testable import Relay

@Suite struct WebhookVerdictTests {
    static func answer(_ status: Int, retryAfter: TimeAmount? = nil) -> Result<HTTPResponse, HTTPError> {
        .success(HTTPResponse(status: status, retryAfter: retryAfter, body: []))
    }

    @Test func `only a 2xx is taken, an outage counts against no event, all else is refused`() {
        for status in [200, 202, 204, 299] { #expect(WebhookVerdict(Self.answer(status)) == .taken) }
        for status in [429, 503] {
            #expect(WebhookVerdict(Self.answer(status)) == .outage("it answers with status \(status)"))
        }
        #expect(WebhookVerdict(.failure(.unreachable("no"))) == .outage("no"))
        // A redirect is not followed: the signature is for who was named.
        for status in [301, 400, 404, 410, 500] {
            let verdict = WebhookVerdict(Self.answer(status, retryAfter: .seconds(7)))
            #expect(verdict == .refused("it answers with status \(status)", retryAfter: .seconds(7)))
        }
        #expect(WebhookVerdict(.failure(.unknown("late"))) == .refused("late", retryAfter: nil))
    }

    @Test func `waits grow, and a receiver may ask for more, up to a minute`() {
        #expect(WebhookVerdict.wait(after: 1, asked: nil, random: .max).milliseconds <= 500)
        #expect(WebhookVerdict.wait(after: 99, asked: nil, random: .max) <= .seconds(30))
        #expect(WebhookVerdict.wait(after: 99, asked: nil, random: 0) == .zero)
        #expect(WebhookVerdict.wait(after: 1, asked: .seconds(9), random: 0) == .seconds(9))
        #expect(WebhookVerdict.wait(after: 1, asked: .seconds(9_999), random: 0) == .seconds(60))
    }
}
