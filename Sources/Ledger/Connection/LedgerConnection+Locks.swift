public import Sales

extension LedgerConnection {
    /// How many fences one call takes.
    public static let lockFenceLimit = 1_024

    /// Takes the next fence of each of some locks, in their order; of one that is named twice, two.
    ///
    /// - Parameter names: 1 to 128 bytes each, at most `lockFenceLimit`.
    public func takeLockFences(
        _ names: [String], _ completion: @escaping (Result<[Fence], LedgerError>) -> Void
    ) {
        precondition(names.count <= Self.lockFenceLimit, "\(names.count) fences in one call")
        send(Statements.takeLocks) {
            $0.appendTexts(names)
        } _: { answer in
            completion(
                answer.map { rows in (0..<rows.count).map { Fence(rawValue: rows.integer($0, 0)) } })
        }
    }
}
