import HTTP
import Resilience
import Wire

/// What a receiver's answer means for an event.
enum WebhookVerdict: Equatable {
    /// Any 2xx: it has the event.
    case taken
    /// The receiver is away or overloaded, and would take no other event either: nothing counts against this one.
    case outage(String)
    /// This event it does not take, for now.
    case refused(String, retryAfter: TimeAmount?)

    /// | answer | means |
    /// | --- | --- |
    /// | 2xx | taken |
    /// | not reached, 429, 503 | outage |
    /// | anything else, no answer in time included | refused |
    init(_ answer: Result<HTTPResponse, HTTPError>) {
        switch answer {
        case .success(let response) where (200..<300).contains(response.status): self = .taken
        case .success(let response) where response.status == 429 || response.status == 503:
            self = .outage("it answers with status \(response.status)")
        case .success(let response):
            self = .refused("it answers with status \(response.status)", retryAfter: response.retryAfter)
        case .failure(.unreachable(let words)): self = .outage(words)
        case .failure(.busy): self = .outage("too many requests wait for it")
        case .failure(.unknown(let words)): self = .refused(words, retryAfter: nil)
        }
    }

    /// Longest wait between two attempts is half a minute; with the usual twelve they take some two minutes.
    static let backoff = Backoff(base: .milliseconds(500), ceiling: .seconds(30))
    /// A receiver that asks for more waiting gets no more than this.
    static let longestWait = TimeAmount.seconds(60)

    /// How long to wait after so many refusals.
    static func wait(after refusals: Int, asked: TimeAmount?, random: UInt64) -> TimeAmount {
        max(backoff.wait(after: refusals, random: random), min(asked ?? .zero, longestWait))
    }
}
