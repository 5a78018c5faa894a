public import Sales
public import Wire

/// Whoever moves the money. Everything is idempotent by the attempt: asking twice moves it once.
public protocol PaymentProvider: Sendable {
    /// Takes money. The same attempt with the same content is answered the same again.
    func charge(_ request: ChargeRequest) async throws(ProviderError) -> Charge
    /// What became of an attempt; nil when the provider has never heard of it.
    func find(_ attempt: RequestKey) async throws(ProviderError) -> Charge?
    /// Makes an attempt final: declined, also when it was never seen, so that it cannot be charged any more; or taken, if it
    /// was.
    func cancel(_ attempt: RequestKey) async throws(ProviderError) -> Charge
    /// Gives back what was taken.
    func refund(_ attempt: RequestKey) async throws(ProviderError) -> Charge
    /// All charges, in pages.
    func charges(after cursor: String?, limit: Int) async throws(ProviderError) -> ChargePage
}

public struct ChargeRequest: Hashable, Sendable {
    public var order: OrderID
    /// The idempotency key.
    public var attempt: RequestKey
    /// In minor units of the currency.
    public var amount: Int64
    /// ISO 4217.
    public var currency: String
    /// The means of payment, as the provider knows it. Not to be logged.
    public var token: String

    public init(order: OrderID, attempt: RequestKey, amount: Int64, currency: String, token: String) {
        self.order = order
        self.attempt = attempt
        self.amount = amount
        self.currency = currency
        self.token = token
    }
}

public struct ChargePage: Hashable, Sendable {
    public var charges: [Charge]
    /// Where the next page begins; nil after the last.
    public var next: String?

    public init(charges: [Charge], next: String?) {
        self.charges = charges
        self.next = next
    }
}

/// Why the provider's answer is not known, or is a no of its own. Its words are for the log.
public enum ProviderError: Error, Hashable, Sendable {
    /// Not sent, or never arrived: nothing has happened.
    case unreachable(retryAfter: TimeAmount?)
    /// It may have been done.
    case unknown(String)
    /// The attempt was charged before with other content.
    case contentDiffers
    /// There is nothing to give back.
    case nothingTaken(String)
    /// The request itself was refused: a wrong key of ours, or a token that is none.
    case refused(String)

    public var retryAfter: TimeAmount? {
        if case .unreachable(let time) = self { time } else { nil }
    }
}
