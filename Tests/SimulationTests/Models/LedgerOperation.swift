import Ledger
import Sales
import Simulation

/// What a worker asks of the ledger, for the real one and for the model.
enum LedgerOperation {
    case commit([Batch])
    case takeFence(Int)
    case renewFences([(partition: Int, fence: Int64)])
    case check([Int])
    case load(Int, after: Int64, limit: Int)
    case hasBatch(Int, Int64, Int64)

    enum Answer: Equatable {
        case committed(at: LedgerTime)
        case fenced([Partition])
        case stale([Partition])
        case refused
        case owned([Ownership])
        case entries([Entry])
        case boolean(Bool)
        /// Whatever else: never what the model says.
        case failed(String)
    }

    /// - Parameter clock: of the ledger, when it answered.
    func run(on model: inout LedgerModel, clock: LedgerTime) -> Answer {
        switch self {
        case .commit(let batches):
            switch model.commit(batches, at: clock) {
            case .committed(let at): .committed(at: at)
            case .fenced(let partitions): .fenced(partitions)
            case .stale(let partitions): .stale(partitions)
            case .refused: .refused
            }
        case .takeFence(let partition): .owned([model.takeFence(partition)])
        case .renewFences(let held): .owned(model.renewFences(held))
        case .check(let partitions): .owned(partitions.map(model.ownership))
        case .load(let partition, let after, let limit):
            .entries(model.load(partition, after: after, limit: limit))
        case .hasBatch(let partition, let number, let fence):
            .boolean(model.hasBatch(partition, number, fence))
        }
    }

    func run(on connection: LedgerConnection, _ completion: @escaping (Answer) -> Void) {
        func finish<Value>(_ result: Result<Value, LedgerError>, _ answer: (Value) -> Answer) {
            switch result {
            case .success(let value): completion(answer(value))
            case .failure(let error): completion(.failed("\(error)"))
            }
        }
        switch self {
        case .commit(let batches): connection.commit(batches) { completion(Answer($0)) }
        case .takeFence(let partition):
            connection.takeFence(Partition(rawValue: Int16(partition))) { finish($0) { .owned([$0]) } }
        case .renewFences(let held):
            let held = held.map { (Partition(rawValue: Int16($0.partition)), Fence(rawValue: $0.fence)) }
            connection.renewFences(held) { finish($0) { .owned($0) } }
        case .check(let partitions):
            connection.checkFences(partitions.map { Partition(rawValue: Int16($0)) }) {
                finish($0) { .owned($0.fences.sorted { $0.partition < $1.partition }) }
            }
        case .load(let partition, let after, let limit):
            connection.loadEntries(of: Partition(rawValue: Int16(partition)), after: after, limit: limit) {
                finish($0) { .entries($0) }
            }
        case .hasBatch(let partition, let number, let fence):
            connection.batchCommitted(
                Partition(rawValue: Int16(partition)), batch: number, fence: Fence(rawValue: fence)
            ) { finish($0) { .boolean($0) } }
        }
    }
}

extension LedgerOperation.Answer {
    init(_ outcome: CommitOutcome) {
        switch outcome {
        case .committed(let at): self = .committed(at: at)
        case .fenced(let partitions): self = .fenced(partitions)
        case .stale(let partitions): self = .stale(partitions)
        case .refused: self = .refused
        case .failed(let error), .unknown(let error): self = .failed("\(error)")
        }
    }

    /// For counting which kinds were seen.
    var name: String { String("\(self)".prefix { $0 != "(" }) }
}
