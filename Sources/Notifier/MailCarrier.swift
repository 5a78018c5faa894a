public import HTTP
public import Methods
public import Notifications

/// Sends by a mail server.
public final class MailCarrier: Carrier {
    private let client: MailClient
    private let from: MailAddress
    private let fromName: String

    public init(_ server: MailServer, from: MailAddress, fromName: String) {
        client = MailClient(server)
        self.from = from
        self.fromName = fromName
    }

    public func deliver(_ letter: Letter) -> DeliveryOutcome {
        guard let to = letter.contact.mail else { return .refused("there is no mail address") }
        let message = MailMessage(
            from: from, fromName: fromName, to: to, subject: letter.message.subject,
            text: letter.message.text,
            language: letter.contact.language, id: MailMessage.id(event: letter.event.id, from: from),
            // The event's, so that both copies of a message that went out twice are the same to the byte.
            date: letter.event.time)
        let reply = client.send(from: from.rawValue, to: to.rawValue, message: message.bytes)
        switch reply {
        case .taken: return .taken(reference: message.id)
        case .refused(421): return .busy("the mail server closes its door (421)")
        case .refused(let code) where code < 500:
            return .refusedForNow("the mail server refused for now (\(code))")
        case .refused(let code): return .refused("the mail server refused (\(code))")
        case .unreachable(let words): return .unreachable("the mail server cannot be reached: \(words)")
        case .loginRefused: return .unreachable("the mail server refuses our user or password")
        case .unknown(let words): return .unknown("the mail server's answer is not known: \(words)")
        }
    }
}
