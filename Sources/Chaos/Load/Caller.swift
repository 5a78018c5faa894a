import Client
import Methods
import Sales
import Synchronization
import Wire

/// Makes calls and writes each into the journal before it begins and when it has ended.
///
/// An error that says "maybe executed" is unknown, never a failure: only settling the key ends it.
final class Caller: Sendable {
    let client: StampedeClient
    let journal: Journal
    private let state = Mutex(State())

    private struct State {
        var calls = 0
        var unknown: [SettleOrder] = []
        var inFlight = 0
    }

    /// Of the load's calls. A caller waits no longer than a park at the broker (TTL + 1 s) takes.
    static let deadline = TimeAmount.seconds(5)

    init(_ client: StampedeClient, _ journal: Journal) {
        self.client = client
        self.journal = journal
    }

    /// Orders whose outcome nobody knows, so far; taken out.
    func takeUnknown() -> [SettleOrder] {
        state.withLock { state in
            defer { state.unknown = [] }
            return state.unknown
        }
    }

    var inFlight: Int { state.withLock { $0.inFlight } }

    /// - Parameter intended: when the call should have begun, in the journal's microseconds.
    func perform(_ request: Traffic.Request, intended: Int64, isImpatient: Bool = false) async {
        let options = CallOptions(deadline: Caller.deadline, maximumAttempts: isImpatient ? 1 : 5)
        state.withLock { $0.inFlight += 1 }
        defer { state.withLock { $0.inFlight -= 1 } }
        switch request {
        case .place(let order, let isRepeat):
            if await place(order, options, intended, call: isRepeat ? "repeat" : "place") == nil {
                // What a careful caller does with an unknown outcome: the same request again. A refusal of that
                // one says nothing of the first, which may still be on its way.
                let again = await place(order, options, journal.now, call: "repeat")
                if again != true { settleLater(order) }
            }
        case .placeMany(let sale, let orders): await placeMany(sale, orders, options, intended)
        case .settle(let request): await settle(request, options, intended)
        case .change(let change): await self.change(change, options, intended)
        case .look(let sale): await look(sale, options, intended)
        }
    }

    // MARK: Orders

    /// Whether it was placed; nil when that is not known.
    @discardableResult
    func place(
        _ order: PlaceOrder, _ options: CallOptions, _ intended: Int64, call: String
    ) async -> Bool? {
        let number = begin(call, order.sale, intended, options) {
            $0.adding("buyer", order.buyer.rawValue).adding("quantity", order.quantity)
                .adding("key", order.key.text)
        }
        do throws(CallError) {
            let placed = try await client.placeOrder(
                sale: order.sale, buyer: order.buyer, quantity: order.quantity, key: order.key,
                options: options)
            end(number, placed: placed)
            return true
        } catch {
            end(number, error)
            return error.certainty == .maybeExecuted ? nil : false
        }
    }

    private func settleLater(_ order: PlaceOrder) {
        state.withLock {
            $0.unknown.append(SettleOrder(sale: order.sale, buyer: order.buyer, key: order.key))
        }
    }

    func placeMany(
        _ sale: SaleID, _ orders: [OrderRequest], _ options: CallOptions, _ intended: Int64,
        call: String = "many"
    ) async {
        let numbers = orders.map { order in
            begin(call, sale, intended, options) {
                $0.adding("buyer", order.buyer.rawValue).adding("quantity", order.quantity)
                    .adding("key", order.key.text)
            }
        }
        do throws(CallError) {
            let answers = try await client.placeOrders(sale: sale, orders, options: options)
            for (number, answer) in zip(numbers, answers) {
                switch answer {
                case .placed(let order): end(number, placed: order)
                case .refused(let status, let reason, let body):
                    let isUndecided = status == .unavailable || status == .resourceExhausted
                    let certainty = isUndecided ? Certainty.notExecuted : .executed
                    journal.write(
                        ending(number, "refused").adding("status", "\(status)").adding("reason", "\(reason)")
                            .adding("certainty", "\(certainty)").adding("left", body.left))
                }
            }
        } catch {
            for (number, order) in zip(numbers, orders) {
                end(number, error)
                guard error.certainty == .maybeExecuted else { continue }
                settleLater(
                    PlaceOrder(sale: sale, buyer: order.buyer, quantity: order.quantity, key: order.key))
            }
        }
    }

    /// Whether the key has its definite end.
    @discardableResult
    func settle(
        _ request: SettleOrder, _ options: CallOptions, _ intended: Int64, call: String = "settle"
    ) async -> Bool {
        let number = begin(call, request.sale, intended, options) {
            $0.adding("buyer", request.buyer.rawValue).adding("key", request.key.text)
        }
        do throws(CallError) {
            switch try await client.settleOrder(
                sale: request.sale, buyer: request.buyer, key: request.key, options: options)
            {
            case .placed(let order): end(number, placed: order)
            case .voided: journal.write(ending(number, "ok").adding("voided", true))
            }
            return true
        } catch {
            end(number, error)
            return error.certainty == .executed
        }
    }

    // MARK: Sales

    func create(_ shelf: Storefront.Shelf) async throws(CallError) -> Sale {
        let created = Journal.wall
        let request = CreateSale(
            sale: shelf.sale, key: .random(), name: shelf.name, price: 100, currency: "EUR",
            units: shelf.units, limit: shelf.limit,
            opensAt: shelf.opensAfter.map { LedgerTime(rawValue: created + $0) },
            closesAt: shelf.closesAfter.map { LedgerTime(rawValue: created + $0) })
        let options = CallOptions(deadline: .seconds(20), maximumAttempts: 15)
        let number = begin("create", shelf.sale, journal.now, options) {
            $0.adding("name", shelf.name).adding("quantity", shelf.units).adding("limit", shelf.limit)
                .adding("key", request.key.text).adding("opens", request.opensAt?.rawValue)
                .adding("closes", request.closesAt?.rawValue)
        }
        do throws(CallError) {
            let sale = try await client.createSale(request, options: options)
            end(number, sale)
            return sale
        } catch {
            end(number, error)
            throw error
        }
    }

    func change(_ change: ChangeSale, _ options: CallOptions, _ intended: Int64) async {
        let (name, units): (String, Int32) =
            switch change.change {
            case .open: ("open", 0)
            case .close: ("close", 0)
            case .addUnits(let units): ("add", units)
            case .withdrawUnits(let units): ("withdraw", units)
            case .pause: ("pause", 0)
            case .resume: ("resume", 0)
            case .limit(let limit): ("limit", limit)
            }
        let number = begin(name, change.sale, intended, options) {
            $0.adding("quantity", units).adding("key", change.key.text)
        }
        do throws(CallError) {
            end(
                number,
                try await client.changeSale(change.sale, change.change, key: change.key, options: options))
        } catch {
            end(number, error)
        }
    }

    @discardableResult
    func look(_ sale: SaleID, _ options: CallOptions, _ intended: Int64) async -> Sale? {
        let number = begin("look", sale, intended, options) { $0 }
        do throws(CallError) {
            let sale = try await client.sale(sale, options: options)
            end(number, sale)
            return sale
        } catch {
            end(number, error)
            return nil
        }
    }

    // MARK: The journal

    private func begin(
        _ call: String, _ sale: SaleID, _ intended: Int64, _ options: CallOptions,
        _ adding: (Record) -> Record
    ) -> Int {
        let number = state.withLock { state in
            state.calls += 1
            return state.calls
        }
        let record = journal.record("invoke").adding("op", number).adding("call", call)
            .adding("sale", sale.rawValue).adding("intended", intended)
            .adding("deadline", (options.deadline ?? Caller.deadline).microseconds)
            .adding("attempts", options.maximumAttempts)
        journal.write(adding(record))
        return number
    }

    private func ending(_ number: Int, _ how: String) -> Record {
        journal.record("end").adding("op", number).adding("how", how)
    }

    private func end(_ number: Int, placed order: Order) {
        journal.write(
            ending(number, "ok").adding("order", order.id.description).adding("buyer", order.buyer.rawValue)
                .adding("sale", order.sale.rawValue).adding("quantity", order.quantity)
                .adding("amount", order.amount).adding("key", order.key.text)
                .adding("placed", order.placedAt.rawValue))
    }

    private func end(_ number: Int, _ sale: Sale) {
        journal.write(
            ending(number, "ok").adding("partition", sale.partition.rawValue).adding("added", sale.added)
                .adding("left", sale.left).adding("orders", sale.orders).adding("state", sale.state.rawValue))
    }

    private func end(_ number: Int, _ error: CallError) {
        let how = error.certainty == .maybeExecuted ? "unknown" : "refused"
        journal.write(
            ending(number, how).adding("status", "\(error.status)").adding("reason", "\(error.reason)")
                .adding("certainty", "\(error.certainty)").adding("left", error.details?.left)
                .adding("tries", error.attempts).adding("after", error.retryAfter?.microseconds))
    }
}

extension RequestKey {
    /// As Postgres writes a uuid.
    var text: String {
        let digits = String(rawValue, radix: 16)
        let full = Array(String(repeating: "0", count: 32 - digits.count) + digits)
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(full[$0]) }.joined(separator: "-")
    }
}
