import FoundationEssentials
import HTTP
import Methods
public import Notifications
public import Wire

/// A provider of short messages that takes them by POST: see `docs/notifications.md` for what is sent and answered.
public struct SMSProvider: Sendable {
    let url: String
    let token: String?
    let timeout: TimeAmount

    /// Why a text is no provider.
    public struct Mistake: Error, Hashable, Sendable {
        public let words: String
    }

    /// - Parameter token: goes as a bearer token (RFC 6750).
    public init(_ url: String, token: String?, timeout: TimeAmount) throws(Mistake) {
        guard url.hasPrefix("https://") || url.hasPrefix("http://"),
            url.utf8.allSatisfy({ 0x21...0x7e ~= $0 }), url.utf8.count <= 2_048
        else { throw Mistake(words: "--sms-url is no address: write https://host/path") }
        // Message and token would be open to everybody on the way.
        guard url.hasPrefix("https://") || SMSProvider.isOnThisMachine(url) else {
            throw Mistake(words: "--sms-url must begin with https:// unless it is on this machine")
        }
        guard token?.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) != false else {
            throw Mistake(words: "the provider's token holds spaces or letters that a header cannot carry")
        }
        self.url = url
        self.token = token
        self.timeout = timeout
    }

    private static func isOnThisMachine(_ url: String) -> Bool {
        let host = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" }
        return ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix("\($0):") }
    }
}

/// Sends by such a provider.
public final class SMSCarrier: Carrier {
    private let provider: SMSProvider
    private let connection = HTTPConnection()

    public init(_ provider: SMSProvider) { self.provider = provider }

    private struct Body: Encodable {
        let to: String
        let text: String
        let language: String
        let event: String
        let order: String
    }

    public func deliver(_ letter: Letter) -> DeliveryOutcome {
        guard let to = letter.contact.phone else { return .refused("there is no phone number") }
        let body = Body(
            to: to.rawValue, text: letter.message.text, language: letter.contact.language.rawValue,
            event: letter.event.id, order: letter.event.order)
        guard let encoded = try? JSONEncoder().encode(body) else {
            preconditionFailure("texts can always be written as JSON")
        }
        var headers = [
            ("Content-Type", "application/json; charset=utf-8"), ("Idempotency-Key", letter.key),
        ]
        if let token = provider.token { headers.append(("Authorization", "Bearer \(token)")) }
        var request = HTTPRequest(.post, provider.url, headers: headers, body: [UInt8](encoded))
        request.timeout = provider.timeout
        request.connectTimeout = min(.seconds(10), provider.timeout)
        request.bodyLimit = SMSCarrier.longestReply
        do throws(HTTPError) {
            let response = try connection.send(request)
            return SMSCarrier.outcome(
                response.status, response.retryAfter,
                reference: SMSCarrier.reference(in: response.body, to: to))
        } catch {
            switch error {
            case .unreachable(let words): return .unreachable("the provider cannot be reached: \(words)")
            case .unknown(let words): return .unknown("the provider's answer is not known: \(words)")
            case .busy: return .busy("too many messages wait for the provider")
            }
        }
    }

    /// In bytes.
    private static let longestReply = 65_536

    static func outcome(_ status: Int, _ retryAfter: TimeAmount?, reference: String?) -> DeliveryOutcome {
        switch status {
        case 200..<300: .taken(reference: reference)
        // About who we are, not about the message.
        case 401, 403, 407: .unreachable("the provider refuses our token (\(status))")
        case 408, 425, 429, 500...: .busy("the provider can not now (\(status))", after: retryAfter)
        default: .refused("the provider refused (\(status))")
        }
    }

    /// The provider's name for the message, if it gave one that holds no number of a phone.
    private static func reference(in body: [UInt8], to: PhoneNumber) -> String? {
        guard let id = (try? JSONValue(parsing: body))?["id"]?.string, 1...128 ~= id.utf8.count,
            id.utf8.allSatisfy({ 0x21...0x7e ~= $0 }), !id.contains(to.rawValue.dropFirst())
        else { return nil }
        return id
    }
}
