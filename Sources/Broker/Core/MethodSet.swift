package import Wire

/// The methods that a worker has: few, and looked up for every call. Their numbers are hashes already, so a search
/// among sorted words beats hashing them once more.
package struct MethodSet {
    private let ids: [UInt64]

    package init(_ methods: [MethodID]) { ids = Set(methods.map(\.rawValue)).sorted() }

    package func contains(_ method: MethodID) -> Bool {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < method.rawValue { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == method.rawValue
    }

    package func contains(where condition: (MethodID) -> Bool) -> Bool {
        ids.contains { condition(MethodID(rawValue: $0)) }
    }
}
