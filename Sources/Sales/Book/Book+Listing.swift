extension Book {
    /// Orders of a sale's lane in the order of their placing, by the sequences of their first entries.
    ///
    /// - Parameters:
    ///   - after: a sequence before the first that is looked at.
    ///   - limit: most orders, above zero.
    ///   - looks: most entries that are looked at, so that a page takes its time and no more.
    /// - Returns: the orders, and after which sequence the next page begins; nil when there is no such sale.
    public func orders(
        of sale: SaleID, _ lane: Lane, buyer: BuyerID?, state: Order.State?, after: Int64, limit: Int,
        looks: Int
    ) -> (orders: [Int64], next: Int64?)? {
        guard let index = stockIndex(sale, lane) else { return nil }
        var found: [Int64] = []
        var sequence = max(after, sales[index].created)
        // A cursor that nobody was given may be anything.
        guard sequence < last else { return ([], nil) }
        let end = last - sequence > Int64(looks) ? sequence + Int64(looks) : last
        while sequence < end, found.count < limit {
            sequence += 1
            let record = record(at: sequence)
            guard record.kind == .orderPlaced, Int(record.sale) == index,
                buyer == nil || record.buyer == buyer,
                state == nil || lives[Int(record.link)].state == state
            else { continue }
            found.append(sequence)
        }
        return (found, sequence < last ? sequence : nil)
    }
}
