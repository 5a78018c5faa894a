import Client
import Sales
import Wire
import ZeroMQ

/// The first part of the demo: a crowd that wants much more than there is.
struct Rush {
    let client: StampedeClient
    let sale: SaleID
    let units: Int
    let limit: Int32
    let concurrency: Int
    let options: CallOptions
    /// Called once when half of the units are sold.
    let atHalfTime: (@Sendable () -> Void)?

    func run(_ crowd: Crowd) async -> Measurement {
        let gauge = Gauge()
        let (units, requests) = (units, crowd.requests)
        let progress = gauge.show { ended, sold, rate in
            "  \(ended.grouped) of \(requests.grouped) requests, \(sold.grouped) of \(units.grouped) units sold, "
                + "\(rate.grouped) requests/s"
        }
        let began = MonotonicTime.now()
        let tally = await withTaskGroup(of: Tally.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    var buying = Buying(client, gauge, options)
                    while !Task.isCancelled {
                        let index = gauge.takeNext()
                        guard index < crowd.visitors.count else { break }
                        await visit(crowd.visitors[index], &buying)
                        if gauge.isHalfTime(of: units) { atHalfTime?() }
                    }
                    return buying.tally
                }
            }
            return await group.reduce(into: Tally()) { $0.add($1) }
        }
        progress.cancel()
        await progress.value
        return Measurement(tally: tally, began: began)
    }

    private func visit(_ visitor: Crowd.Visitor, _ buying: inout Buying) async {
        var request = PlaceOrder(
            sale: sale, buyer: visitor.buyer, quantity: visitor.quantity, key: visitor.key)
        switch visitor.habit {
        case .buysOnce:
            await buying.place(request)
        case .repeats:
            await buying.place(request)
            await buying.place(request, isRepeat: true)
        case .doubleClicks:
            await buying.placeTwice(request)
        case .reusesKey:
            await buying.place(request)
            request.quantity = visitor.quantity == limit ? max(1, limit - 1) : limit
            await buying.place(request)
        case .asksTooMuch:
            request.quantity = limit + 1
            await buying.place(request)
        case .comesBack:
            request.quantity = limit
            await buying.place(request)
            request.quantity = 1
            request.key = visitor.otherKey
            await buying.place(request)
        }
    }
}
