/// What buyers are told about. Each has a template per language and channel.
public enum Occasion: String, Hashable, Sendable, CaseIterable {
    /// An order holds units until it is paid.
    case placed
    /// The same, offered from the waiting list.
    case offered
    case paid
    case expired
    case cancelled
    case refunded
}
