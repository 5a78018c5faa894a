import Digests
import FoundationEssentials
public import HTTPServer
import Sales
import Synchronization

/// Where the provider tells that something happened. A webhook is a hint: it makes the desk look, and proves nothing.
///
/// | answer | when |
/// | --- | --- |
/// | 200 | seen |
/// | 400 | not an event, or a signature of another form |
/// | 401 | the signature is not by the shared secret |
/// | 409 | replayed: the signature is too old, or the event was seen |
/// | 503 | no room for it now: send it again |
public final class WebhookDoor: Sendable {
    public static let path = "/webhooks/provider"

    private let secret: [UInt8]
    private let desk: PaymentDesk
    private let seen = Mutex(SeenEvents())

    public init(secret: [UInt8], desk: PaymentDesk) {
        self.secret = secret
        self.desk = desk
    }

    private struct Event: Decodable {
        let id: String
        let type: String
        let attempt: String
        let order: String
    }

    /// - Parameters:
    ///   - headers: by their names in lower case.
    ///   - now: seconds since 1970.
    public func answer(
        _ method: String, _ path: String, headers: [String: String], body: [UInt8], now: Int64
    ) -> OutgoingResponse {
        guard path == WebhookDoor.path else { return say(404, "there is nothing here") }
        guard method == "POST" else { return say(405, "send events by POST") }
        do throws(WebhookSignature.Mistake) {
            try WebhookSignature.check(
                headers[WebhookSignature.header] ?? "", secret: secret, now: now, body: body)
        } catch {
            switch error {
            case .malformed: return say(400, "\(error)")
            case .wrong: return say(401, "\(error)")
            case .expired: return say(409, "\(error)")
            }
        }
        guard let event = try? JSONDecoder().decode(Event.self, from: Data(body)),
            1...200 ~= event.id.utf8.count, let order = OrderID(event.order),
            let attempt = RequestKey(digits: event.attempt)
        else { return say(400, "the event cannot be read") }
        // Entered at once, so that of two that come together one is second.
        let isNew = seen.withLock { seen in
            guard !seen.contains(event.id) else { return false }
            seen.insert(event.id)
            return true
        }
        guard isNew else { return say(409, "the event was seen before") }
        guard desk.hint(order, attempt) else {
            seen.withLock { $0.remove(event.id) }
            return say(503, "send the event again later")
        }
        return say(200, "seen")
    }

    private func say(_ status: Int, _ words: String) -> OutgoingResponse {
        OutgoingResponse(
            status: status, headers: [("content-type", "text/plain")], body: Array((words + "\n").utf8))
    }
}
