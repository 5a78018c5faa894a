/// A way to a buyer.
public enum Channel: String, Hashable, Sendable, CaseIterable {
    case mail
    case sms
}
