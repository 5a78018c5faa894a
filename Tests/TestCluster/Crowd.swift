public import Client
public import Foundation
public import Sales
import Synchronization
public import Wire

/// What happened to many calls: every yes, and every error.
public struct Tally: Sendable {
    public var orders: [Order] = []
    public var errors: [(request: PlaceOrderRequest, error: CallError)] = []

    /// Seconds that the longest call took.
    public var slowest = 0.0
    /// When each call began, in order of their ends.
    public var timeline: [Call] = []

    public struct Call: Sendable {
        public let began: Date
        /// Seconds from when it should have begun to when it did: what a busy machine adds to a wait for the processor.
        public let late: Double
        public let seconds: Double
        public let error: CallError?
        public var ended: Date { began.addingTimeInterval(seconds) }
    }

    public var units: Int { orders.reduce(0) { $0 + Int($1.quantity) } }
    public var orderIDs: Set<String> { Set(orders.map { "\($0.id)" }) }
    public init() {}

    /// Errors in words, for a test that expects none of a kind.
    public func messages(where isWanted: (CallError) -> Bool = { _ in true }) -> [String] {
        errors.filter { isWanted($0.error) }.map { "\($0.error)" }
    }

    public var calls: Int { orders.count + errors.count }

    public static func + (lhs: Tally, rhs: Tally) -> Tally {
        var sum = lhs
        sum.orders += rhs.orders
        sum.errors += rhs.errors
        sum.slowest = max(lhs.slowest, rhs.slowest)
        sum.timeline += rhs.timeline
        return sum
    }

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
public final class Crowd: Sendable {
    private let tally = Mutex(Tally())
    private let next = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    private let sale: SaleID
    private let clients: [StampedeClient]
    private let options: CallOptions

    public init(
        in sale: SaleID, through clients: [StampedeClient],
        options: CallOptions = CallOptions(deadline: .seconds(20))
    ) {
        self.sale = sale
        self.clients = clients
        self.options = options
    }

    /// What has been answered so far.
    public var answered: Tally { tally.withLock { $0 } }

    /// Sends all requests, `width` at a time, over the clients in turn.
    public static func place(
        _ requests: [PlaceOrderRequest], in sale: SaleID, through clients: [StampedeClient], width: Int = 100,
        options: CallOptions = CallOptions(deadline: .seconds(20))
    ) async -> Tally {
        await Crowd(in: sale, through: clients, options: options).place(requests, width: width)
    }

    /// Does what a caller is told to do: repeats every request that did not end with an owner's decision, with
    /// the same key, until all have. Repeats for at most a minute; what is left then stays in `errors`.
    public static func insist(
        on requests: [PlaceOrderRequest], in sale: SaleID, through clients: [StampedeClient],
        width: Int = 100, options: CallOptions = CallOptions(deadline: .seconds(20))
    ) async -> Tally {
        let end = Date().addingTimeInterval(60)
        var tally = await place(requests, in: sale, through: clients, width: width, options: options)
        while Date() < end {
            let undecided = tally.errors.filter { $0.error.certainty != .executed }.map(\.request)
            if undecided.isEmpty { break }
            tally.errors.removeAll { $0.error.certainty != .executed }
            tally =
                tally + (await place(undecided, in: sale, through: clients, width: width, options: options))
        }
        return tally
    }

    /// Sends all requests, `width` at a time. Returns when the last is answered.
    public func place(_ requests: [PlaceOrderRequest], width: Int = 100) async -> Tally {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<min(width, requests.count) {
                group.addTask { [self] in
                    while !Task.isCancelled {
                        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < requests.count else { return }
                        await place(requests[index], through: clients[index % clients.count])
                    }
                }
            }
        }
        return answered
    }

    /// New buyers go on asking, `width` at a time, until `stop()`. Returns when the last is answered.
    public func keepPlacing(width: Int = 8) async -> Tally {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<width {
                group.addTask { [self] in
                    var intended = Date()
                    while !isOver.load(ordering: .acquiring), !Task.isCancelled {
                        let number = next.wrappingAdd(1, ordering: .relaxed).newValue
                        await place(
                            PlaceOrderRequest(buyer: Int64(number)), through: clients[number % clients.count],
                            at: intended)
                        // The pace of shoppers, not of a bench: the machine has other work.
                        intended = Date().addingTimeInterval(0.004)
                        try? await Task.sleep(nanoseconds: 4_000_000)
                    }
                }
            }
        }
        return answered
    }

    public func stop() { isOver.store(true, ordering: .releasing) }

    private func place(
        _ request: PlaceOrderRequest, through client: StampedeClient, at intended: Date? = nil
    ) async {
        let start = Date()
        let late = intended.map { start.timeIntervalSince($0) } ?? 0
        do throws(CallError) {
            let order = try await client.placeOrder(
                sale: sale, buyer: request.buyer, quantity: request.quantity, key: request.key,
                options: options)
            note(start, late, nil) { $0.orders.append(order) }
        } catch {
            note(start, late, error) { $0.errors.append((request, error)) }
        }
    }

    private func note(
        _ start: Date, _ late: Double, _ error: CallError?, _ change: (inout Tally) -> Void
    ) {
        let took = Date().timeIntervalSince(start)
        tally.withLock { tally in
            change(&tally)
            tally.slowest = max(tally.slowest, took)
            tally.timeline.append(Tally.Call(began: start, late: late, seconds: took, error: error))
        }
    }
}
