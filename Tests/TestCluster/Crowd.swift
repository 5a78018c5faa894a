public import Client
public import Sales
import Synchronization
public import Wire

/// What happened to many calls: every yes, and every error.
public struct Tally: Sendable {
    public var orders: [Order] = []
    public var errors: [(request: PlaceOrderRequest, error: CallError)] = []

    public var units: Int { orders.reduce(0) { $0 + Int($1.quantity) } }
    public var orderIDs: Set<String> { Set(orders.map { "\($0.id)" }) }
    public func count(_ reason: Reason) -> Int { errors.count { $0.error.reason == reason } }
}

/// One order that a crowd asks for.
public struct PlaceOrderRequest: Sendable, Hashable {
    public var buyer: BuyerID
    public var quantity: Int32
    public var key: RequestKey

    public init(buyer: Int64, quantity: Int32 = 1, key: RequestKey = .random()) {
        self.buyer = BuyerID(rawValue: buyer)
        self.quantity = quantity
        self.key = key
    }
}

/// Many callers at once. Every call of theirs is in the tally, exactly once.
public enum Crowd {
    private final class Shared: Sendable {
        let next = Atomic<Int>(0)
        let tally = Mutex(Tally())
    }

    /// Sends all requests, `width` at a time, over the clients in turn.
    public static func place(
        _ requests: [PlaceOrderRequest], in sale: SaleID, through clients: [StampedeClient], width: Int = 100,
        options: CallOptions = CallOptions(deadline: .seconds(20)),
        onOrder: @Sendable @escaping (Order) -> Void = { _ in }
    ) async -> Tally {
        let shared = Shared()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<min(width, requests.count) {
                group.addTask {
                    while true {
                        let index = shared.next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < requests.count else { return }
                        let request = requests[index]
                        do throws(CallError) {
                            let order = try await clients[index % clients.count].placeOrder(
                                sale: sale, buyer: request.buyer, quantity: request.quantity,
                                key: request.key, options: options)
                            shared.tally.withLock { $0.orders.append(order) }
                            onOrder(order)
                        } catch {
                            shared.tally.withLock { $0.errors.append((request, error)) }
                        }
                    }
                }
            }
        }
        return shared.tally.withLock { $0 }
    }
}
