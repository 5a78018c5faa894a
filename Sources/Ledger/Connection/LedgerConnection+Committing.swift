public import Digests
public import Sales

extension LedgerConnection {
    /// Writes the batches in one transaction: all of them, or nothing.
    ///
    /// - Parameter signer: vouches for all of them; nil for a worker without a key.
    /// - Precondition: the partitions ascend, no batch is empty, a batch's sequences are consecutive, and each has
    ///   its seal.
    public func commit(
        _ batches: [Batch], signedBy signer: Signer? = nil,
        _ completion: @escaping (CommitOutcome) -> Void
    ) {
        precondition(!batches.isEmpty, "a transaction needs a batch")
        send(Statements.commit) {
            $0.append(batches, signedBy: signer)
        } _: { answer in
            completion(CommitOutcome(answer))
        }
    }

    /// Whether a batch is in the ledger. The answer is final only after the partition's fence has moved on.
    public func batchCommitted(
        _ partition: Partition, batch: Int64, fence: Fence,
        _ completion: @escaping (Result<Bool, LedgerError>) -> Void
    ) {
        send(Statements.batch) {
            $0.append(partition.rawValue)
            $0.append(batch)
            $0.append(fence.rawValue)
        } _: { answer in
            completion(answer.map { $0.boolean(0, 0) })
        }
    }
}

extension CommitOutcome {
    init(_ answer: Channel.Answer) {
        switch answer {
        case .rows(let rows): self = .committed(at: LedgerTime(rawValue: rows.integer(0, 0)))
        case .unknown(let error): self = .unknown(error)
        case .unsent(let error): self = .failed(error)
        case .refused(let error):
            switch error.sqlState {
            case .fenced: self = .fenced(Self.partitions(error))
            case .stale: self = .stale(Self.partitions(error))
            case .some(let state) where state.class == "22" || state.class == "23": self = .refused(error)
            default: self = .failed(error)
            }
        }
    }

    private static func partitions(_ error: LedgerError) -> [Partition] {
        (error.detail ?? "").split(separator: ",").compactMap { Int16($0).map(Partition.init(rawValue:)) }
            .sorted()
    }
}

extension Channel.Answer {
    /// What the rows say, or why there are none.
    func map<Value>(_ read: (Rows) throws(LedgerError) -> Value) -> Result<Value, LedgerError> {
        do throws(LedgerError) { return .success(try read(try rows())) } catch { return .failure(error) }
    }
}
