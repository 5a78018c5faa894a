import Client
import Sales
import Wire
import ZeroMQ

/// The second part of the demo: a sale larger than the crowd, as many durable orders as fast as possible.
struct FullLoad {
    let client: StampedeClient
    let sale: SaleID
    let orders: Int
    let concurrency: Int
    let options: CallOptions
    /// Tells the keys of this run from those of every other.
    let seed: RequestKey

    func run() async -> Measurement {
        let gauge = Gauge()
        let orders = orders
        let progress = gauge.show { ended, _, rate in
            "  \(ended.grouped) of \(orders.grouped) orders, \(rate.grouped) orders/s"
        }
        let began = MonotonicTime.now()
        let tally = await withTaskGroup(of: Tally.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    var buying = Buying(client, gauge, options)
                    while !Task.isCancelled {
                        let index = gauge.takeNext()
                        guard index < orders else { break }
                        await buying.place(
                            PlaceOrder(
                                sale: sale, buyer: BuyerID(rawValue: Int64(index) + 1), quantity: 1,
                                key: seed.next(index)))
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
}

extension RequestKey {
    /// One of a row of keys, cheaper than a random one.
    fileprivate func next(_ index: Int) -> RequestKey { RequestKey(rawValue: rawValue ^ UInt128(index)) }
}
