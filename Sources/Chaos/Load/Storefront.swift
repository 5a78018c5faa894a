import Resilience
import Sales
import Wire

/// The sales of an episode, a partition for each as far as there are enough.
struct Storefront: Sendable {
    struct Shelf: Sendable {
        let sale: SaleID
        let name: String
        let units: Int32
        let limit: Int32
        /// Microseconds after it is created; nil opens at once.
        var opensAfter: Int64?
        var closesAfter: Int64?
    }

    /// Sales with more units than will be asked for.
    private(set) var plenty: [Shelf] = []
    /// Few units and many buyers; units are added now and then.
    let hot: Shelf
    /// Closed and opened by hand under load.
    let shutter: Shelf
    /// Opens and closes by itself while faults happen.
    let window: Shelf

    var all: [Shelf] { plenty + [hot, shutter, window] }

    static let limit: Int32 = 4
    static let hotUnits: Int32 = 100

    init(_ plan: Plan, seed: UInt64) {
        var random = SplitMix64(seed: seed ^ 0x5a1e)
        var taken: Set<Int> = []
        /// A sale whose partition has no other, while there are such partitions.
        func draw() -> SaleID {
            if taken.count == plan.partitions { taken = [] }
            while true {
                let sale = SaleID(rawValue: .random(in: 1...Int64.max, using: &random))
                let partition = RoutingKey(sale: sale.rawValue, lane: 0).partition(of: plan.partitions)
                if taken.insert(partition).inserted { return sale }
            }
        }
        let count = min(12, plan.partitions - 3)
        let seconds = plan.length.count / 1_000 + 5
        let units = Int32(clamping: plan.rate * seconds * 13 / 10 / count + 1_000)
        plenty = (1...count).map {
            Shelf(sale: draw(), name: "plenty \($0)", units: units, limit: Storefront.limit)
        }
        hot = Shelf(sale: draw(), name: "hot", units: Storefront.hotUnits, limit: 2)
        shutter = Shelf(sale: draw(), name: "shutter", units: units, limit: Storefront.limit)
        let opens = Int64(plan.clean.count) * 500
        let closes = Int64(plan.length.count) * 800
        window = Shelf(
            sale: draw(), name: "window", units: units, limit: Storefront.limit, opensAfter: opens,
            closesAfter: max(closes, opens + 1_000_000))
    }
}
