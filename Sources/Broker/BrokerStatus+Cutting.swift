import Methods

extension BrokerStatus {
    /// Drops the second half of whichever list has most elements.
    mutating func halveLongestList() {
        let longest = max(gates.count, workers.count, partitions.count)
        if gates.count == longest {
            gates.removeLast((gates.count + 1) / 2)
        } else if workers.count == longest {
            workers.removeLast((workers.count + 1) / 2)
        } else {
            partitions.removeLast((partitions.count + 1) / 2)
        }
    }
}
