/// What the sandbox provider knows of one attempt. Amounts are texts of the currency's smallest unit.
public struct SandboxCharge: Codable, Hashable, Sendable {
    public enum Status: String, Codable, Sendable {
        case taken, declined
        /// Not decided yet.
        case pending
    }

    public let id: String
    public let attempt: String
    public let order: String
    public let amount: String
    public let currency: String
    public let token: String
    public var status: Status
    public var refunded = false
    public var reason: String?
}

/// What somebody asks to be charged.
public struct ChargeAsk: Codable, Hashable, Sendable {
    public let attempt: String
    public let amount: String
    public let currency: String?
    public let order: String
    public let token: String

    public init(attempt: String, amount: String, currency: String? = nil, order: String, token: String) {
        self.attempt = attempt
        self.amount = amount
        self.currency = currency
        self.order = order
        self.token = token
    }

    /// The first thing that is wrong with it.
    public var mistake: String? {
        if !ChargeBook.isAttempt(attempt) { return "attempt must be 32 hexadecimal digits" }
        if Int64(amount).map({ $0 < 0 || "\($0)" != amount }) ?? true {
            return "amount must be a whole number in a string"
        }
        if order.isEmpty || order.utf8.count > 64 { return "order must have 1 to 64 bytes" }
        if SandboxToken(rawValue: token) == nil {
            return "token is none of " + SandboxToken.allCases.map(\.rawValue).joined(separator: ", ")
        }
        return nil
    }
}

/// What the sandbox does with an attempt, as the payer's token says.
public enum SandboxToken: String, CaseIterable, Sendable {
    case ok = "tok_ok"
    case declined = "tok_declined"
    /// Charges, and never answers.
    case hang = "tok_hang"
    /// 500, before anything is charged.
    case error = "tok_error"
    /// Answers pending; the money is taken a second later, and a webhook says so.
    case pending = "tok_pending"
    /// Sends its webhook twice.
    case twice = "tok_twice"
    /// Answers after two seconds.
    case slow = "tok_slow"
    /// Sends its webhook when everything is over.
    case late = "tok_late"
    /// Sends its webhook once with another's signature, and then as it should.
    case forged = "tok_forged"
}

/// The charges of the sandbox: a value, changed by what was asked of it. Never more than one per attempt.
public struct ChargeBook: Sendable {
    /// Charges that it holds; more are refused, so that a forgotten sandbox does not grow for ever.
    public static let limit = 1_000_000

    private var charges: [String: SandboxCharge] = [:]
    /// Attempts in the order of their coming.
    private var order: [String] = []

    public init() {}

    public enum Refusal: Error, Hashable, Sendable {
        /// The attempt was asked for with another content.
        case contentDiffers
        /// There is nothing to give back.
        case nothingTaken
        case full
    }

    public var count: Int { order.count }
    public subscript(attempt: String) -> SandboxCharge? { charges[attempt] }

    static func isAttempt(_ text: String) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
            }
    }

    /// Charges, once. A repeated ask finds what there is.
    ///
    /// - Returns: the charge, and whether it is new.
    public mutating func charge(
        _ ask: ChargeAsk, _ status: SandboxCharge.Status
    ) throws(Refusal) -> (charge: SandboxCharge, isNew: Bool) {
        if let known = charges[ask.attempt] {
            // One that was cancelled before it was seen has no content.
            let isSame =
                known.order.isEmpty
                || (known.order == ask.order && known.amount == ask.amount
                    && known.currency == ask.currency ?? "" && known.token == ask.token)
            guard isSame else { throw .contentDiffers }
            return (known, false)
        }
        guard order.count < ChargeBook.limit else { throw .full }
        let charge = SandboxCharge(
            id: "ch_\(order.count + 1)", attempt: ask.attempt, order: ask.order, amount: ask.amount,
            currency: ask.currency ?? "", token: ask.token, status: status,
            reason: status == .declined ? "the card was declined" : nil)
        apply(charge)
        return (charge, true)
    }

    /// Makes sure that nothing will be taken: declines what is pending, and what never came.
    public mutating func cancel(_ attempt: String) throws(Refusal) -> (charge: SandboxCharge, isNew: Bool) {
        var charge =
            charges[attempt]
            ?? SandboxCharge(
                id: "ch_\(order.count + 1)", attempt: attempt, order: "", amount: "0", currency: "",
                token: "",
                status: .pending)
        guard charges[attempt] != nil || order.count < ChargeBook.limit else { throw .full }
        guard charge.status == .pending else { return (charge, false) }
        charge.status = .declined
        charge.reason = "it was cancelled"
        apply(charge)
        return (charge, true)
    }

    /// Takes the money of what was pending. Nil if it is not pending any more.
    public mutating func take(_ attempt: String) -> SandboxCharge? {
        guard var charge = charges[attempt], charge.status == .pending else { return nil }
        charge.status = .taken
        apply(charge)
        return charge
    }

    /// Gives the money back, once.
    public mutating func refund(_ attempt: String) throws(Refusal) -> (charge: SandboxCharge, isNew: Bool) {
        guard var charge = charges[attempt], charge.status == .taken else { throw .nothingTaken }
        guard !charge.refunded else { return (charge, false) }
        charge.refunded = true
        apply(charge)
        return (charge, true)
    }

    /// Some charges in the order of their coming.
    ///
    /// - Parameter cursor: how many come before them.
    public func page(after cursor: Int, limit: Int) -> (charges: [SandboxCharge], next: Int?) {
        let start = min(max(0, cursor), order.count)
        let end = min(start + max(1, limit), order.count)
        return (order[start..<end].compactMap { charges[$0] }, end < order.count ? end : nil)
    }

    /// A charge as it was written down: the newest state counts.
    public mutating func apply(_ charge: SandboxCharge) {
        if charges.updateValue(charge, forKey: charge.attempt) == nil { order.append(charge.attempt) }
    }
}
