public import Sales

extension LedgerConnection {
    /// How many fences one call takes.
    public static let lockFenceLimit = 1_024

    /// How often they are tried for while somebody else holds a row for longer than the lock timeout.
    public static let lockFenceAttempts = 10

    /// Takes the next fence of each of some locks, in their order; of one that is named twice, two.
    ///
    /// - Parameter names: 1 to 128 bytes each, at most `lockFenceLimit`.
    public func takeLockFences(
        _ names: [String], _ completion: @escaping (Result<[Fence], LedgerError>) -> Void
    ) {
        precondition(names.count <= Self.lockFenceLimit, "\(names.count) fences in one call")
        takeLockFences(names, attemptsLeft: Self.lockFenceAttempts, completion)
    }

    private func takeLockFences(
        _ names: [String], attemptsLeft: Int,
        _ completion: @escaping (Result<[Fence], LedgerError>) -> Void
    ) {
        send(Statements.takeLocks, goesOn: attemptsLeft < Self.lockFenceAttempts) {
            $0.appendTexts(names)
        } _: { [self] answer in
            let result = answer.map { rows in (0..<rows.count).map { Fence(rawValue: rows.integer($0, 0)) } }
            // Nobody holds these rows for longer than a call takes, so it is worth waiting on.
            if case .failure(let error) = result, error.sqlState == .lockNotAvailable, attemptsLeft > 1 {
                takeLockFences(names, attemptsLeft: attemptsLeft - 1, completion)
            } else {
                completion(result)
            }
        }
    }
}
