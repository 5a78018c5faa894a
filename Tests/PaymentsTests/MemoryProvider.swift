import Payments
import Sales

/// A provider in memory, with the tokens of the sandbox that matter to a desk.
actor MemoryProvider: PaymentProvider {
    private(set) var all: [RequestKey: Charge] = [:]
    private var contents: [RequestKey: ChargeRequest] = [:]
    /// Charges that were asked for, repetitions included.
    private(set) var asked = 0
    private(set) var isDown = false
    private var held: [CheckedContinuation<Void, Never>] = []

    func setDown(_ isDown: Bool) { self.isDown = isDown }

    /// Charges that wait, by `tok_wait`, go on.
    func release() {
        for continuation in held { continuation.resume() }
        held = []
    }

    var heldCount: Int { held.count }

    /// What became of a pending charge.
    func decide(_ attempt: RequestKey, _ status: Charge.Status) { all[attempt]?.status = status }

    func charge(_ request: ChargeRequest) async throws(ProviderError) -> Charge {
        asked += 1
        if isDown { throw .unreachable(retryAfter: nil) }
        if request.token == "tok_wait" { await withCheckedContinuation { held.append($0) } }
        if request.token == "tok_error" { throw .unknown("it answered 500") }
        if let known = all[request.attempt] {
            guard contents[request.attempt] == nil || contents[request.attempt] == request else {
                throw .contentDiffers
            }
            return known
        }
        let status: Charge.Status =
            switch request.token {
            case "tok_declined": .declined
            case "tok_pending": .pending
            default: .taken
            }
        let charge = Charge(
            id: "ch_\(all.count)", attempt: request.attempt, order: request.order, status: status,
            amount: request.amount, reason: status == .declined ? "insufficient funds" : nil)
        all[request.attempt] = charge
        contents[request.attempt] = request
        if request.token == "tok_hang" { throw .unknown("timeout") }
        return charge
    }

    func find(_ attempt: RequestKey) async throws(ProviderError) -> Charge? {
        if isDown { throw .unreachable(retryAfter: nil) }
        return all[attempt]
    }

    func cancel(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        if isDown { throw .unreachable(retryAfter: nil) }
        var charge =
            all[attempt]
            ?? Charge(id: "ch_\(all.count)", attempt: attempt, order: nil, status: .declined, amount: 0)
        if charge.status == .pending { charge.status = .declined }
        all[attempt] = charge
        return charge
    }

    func refund(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        if isDown { throw .unreachable(retryAfter: nil) }
        guard var charge = all[attempt], charge.status == .taken else {
            throw .nothingTaken("no such charge")
        }
        charge.isRefunded = true
        all[attempt] = charge
        return charge
    }

    func charges(after cursor: String?, limit: Int) async throws(ProviderError) -> ChargePage {
        let sorted = all.values.sorted { $0.attempt.rawValue < $1.attempt.rawValue }
        let start = cursor.flatMap { Int($0) } ?? 0
        let end = min(start + limit, sorted.count)
        return ChargePage(charges: Array(sorted[start..<end]), next: end < sorted.count ? "\(end)" : nil)
    }

    /// Money that is with the provider now.
    var taken: Int { all.values.count { $0.status == .taken && !$0.isRefunded } }
}
