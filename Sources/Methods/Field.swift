import Sales
import Wire

/// The names of fields in bodies, hashed once.
enum Field {
    static let actor: FieldName = "actor"
    static let added: FieldName = "added"
    static let answers: FieldName = "answers"
    static let canOwn: FieldName = "can_own"
    static let details: FieldName = "details"
    static let reason: FieldName = "reason"
    static let status: FieldName = "status"
    static let amount: FieldName = "amount"
    static let breakers: FieldName = "breakers"
    static let buyer: FieldName = "buyer"
    static let calls: FieldName = "calls"
    static let closes: FieldName = "closes"
    static let currency: FieldName = "currency"
    static let cut: FieldName = "cut"
    static let failed: FieldName = "failed"
    static let fence: FieldName = "fence"
    static let forced: FieldName = "forced"
    static let gates: FieldName = "gates"
    static let held: FieldName = "held"
    static let inFlight: FieldName = "in_flight"
    static let key: FieldName = "key"
    static let lane: FieldName = "lane"
    static let leaseLeft: FieldName = "lease_left_ms"
    static let left: FieldName = "left"
    static let leftMilliseconds: FieldName = "left_ms"
    static let limit: FieldName = "limit"
    static let message: FieldName = "message"
    static let name: FieldName = "name"
    static let opens: FieldName = "opens"
    static let order: FieldName = "order"
    static let orders: FieldName = "orders"
    static let owner: FieldName = "owner"
    static let parked: FieldName = "parked"
    static let partition: FieldName = "partition"
    static let partitions: FieldName = "partitions"
    static let placed: FieldName = "placed"
    static let price: FieldName = "price"
    static let purpose: FieldName = "purpose"
    static let quantity: FieldName = "quantity"
    static let rate: FieldName = "rate"
    static let refused: FieldName = "refused"
    static let sale: FieldName = "sale"
    static let sales: FieldName = "sales"
    static let seconds: FieldName = "seconds"
    static let slow: FieldName = "slow"
    static let state: FieldName = "state"
    static let succeeded: FieldName = "succeeded"
    static let successor: FieldName = "successor"
    static let units: FieldName = "units"
    static let uptime: FieldName = "uptime_ms"
    static let worker: FieldName = "worker"
    static let workers: FieldName = "workers"
    static let clients: FieldName = "clients"
    static let malformed: FieldName = "malformed"
    static let change: FieldName = "change"
    static let token: FieldName = "token"
    static let ttl: FieldName = "ttl_ms"
    static let valid: FieldName = "valid_ms"
    static let wait: FieldName = "wait_ms"
    static let waited: FieldName = "waited_ms"
}

extension Optional {
    /// The value, or an error that names the field.
    func orMissing(_ field: String, _ offset: Int) throws(WireError) -> Wrapped {
        guard let value = self else { throw WireError(.missingField, at: offset, field: field) }
        return value
    }
}
