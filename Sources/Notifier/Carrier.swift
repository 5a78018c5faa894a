public import Methods
public import Notifications

/// What is handed over.
public struct Letter: Sendable {
    public var contact: Contact
    public var message: Templates.Message
    /// The event and channel: the same in every try, so that who gets a second one can tell.
    public var key: String
    public var event: OrderEvent

    public init(contact: Contact, message: Templates.Message, key: String, event: OrderEvent) {
        self.contact = contact
        self.message = message
        self.key = key
        self.event = event
    }
}

/// A way out to a mail server or a provider of short messages. Belongs to one thread, and blocks for no longer than its
/// own time limit.
public protocol Carrier: AnyObject {
    func deliver(_ letter: Letter) -> DeliveryOutcome
}
