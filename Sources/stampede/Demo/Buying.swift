import Client
import Sales
import Synchronization
import Wire
import ZeroMQ

/// One task of a crowd: sends requests and counts what comes of them.
struct Buying {
    let client: StampedeClient
    let options: CallOptions
    let gauge: Gauge
    var tally = Tally()

    init(_ client: StampedeClient, _ gauge: Gauge, _ options: CallOptions) {
        self.client = client
        self.gauge = gauge
        self.options = options
    }

    /// - Parameter isRepeat: whether its order, if there is one, is shown as sold already.
    mutating func place(_ request: PlaceOrder, isRepeat: Bool = false) async {
        note(request, await ask(request), isRepeat: isRepeat)
    }

    /// The same request twice at the same time.
    mutating func placeTwice(_ request: PlaceOrder) async {
        async let first = ask(request)
        async let second = ask(request)
        note(request, await first, isRepeat: false)
        note(request, await second, isRepeat: true)
    }

    private struct Outcome: Sendable {
        let result: Result<Order, CallError>
        let began: MonotonicTime
        let ended: MonotonicTime
    }

    private func ask(_ request: PlaceOrder) async -> Outcome {
        let began = MonotonicTime.now()
        let result: Result<Order, CallError>
        do throws(CallError) {
            result = .success(
                try await client.placeOrder(
                    sale: request.sale, buyer: request.buyer, quantity: request.quantity, key: request.key,
                    options: options))
        } catch {
            result = .failure(error)
        }
        return Outcome(result: result, began: began, ended: .now())
    }

    private mutating func note(_ request: PlaceOrder, _ outcome: Outcome, isRepeat: Bool) {
        tally.requests += 1
        tally.lastAnswer = max(tally.lastAnswer, outcome.ended)
        tally.latencies.append(UInt32(clamping: (outcome.ended - outcome.began).microseconds))
        gauge.ended.add(1, ordering: .relaxed)
        switch outcome.result {
        case .success(let order):
            tally.yes(order, at: outcome.ended)
            if !isRepeat { gauge.sold.add(Int(order.quantity), ordering: .relaxed) }
        case .failure(let error): tally.no(error, request)
        }
    }
}
