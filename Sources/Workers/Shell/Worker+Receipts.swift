import Digests
import Ledger
import Logging
import Methods
import Receipts
import Resilience
import Sales
import Wire
import ZeroMQ

/// What a worker has for receipts: a connection of their own, and who waits for one.
///
/// A receipt is made from the whole batch of its entry, up to 4,096 of them: some milliseconds of the loop. So one is made
/// at a time, and for five times as long as it took nothing is done for the next: orders come first.
final class ReceiptService {
    struct Question {
        let order: OrderID
        let sequence: Int64
        let to: ReplyAddress
        let asked: MonotonicTime
    }

    let ledger: LedgerLink
    /// At most `limit`, in the order in which they came.
    var waiting: [Question] = []
    /// What the ledger is asked for one with, while it is.
    var permit: CircuitBreaker.Permit?
    var resumeAt = MonotonicTime.distantPast
    /// The ledger is connected to with the first question.
    var isUsed = false

    static let limit = 64
    /// So long a question waits for the connection.
    static let patience = TimeAmount.seconds(2)
    /// Reading an entry takes about a microsecond, which the connection spends before we look at a clock.
    static let entryTime: Int64 = 1_000

    init(_ ledger: LedgerLink) { self.ledger = ledger }
}

extension Worker {
    func receipt(_ body: GetReceipt, _ to: ReplyAddress) {
        let index = Int(body.order.partition.rawValue)
        guard let core, core.partitions[index].phase == .owned else {
            return self.core!.answer(to, index, .returned)
        }
        guard receipts.waiting.count < ReceiptService.limit else {
            return refuse(
                to, .resourceExhausted, .overloaded, .notExecuted, after: .milliseconds(250),
                "As many calls wait for receipts as this worker takes. Try again after the time given.")
        }
        receipts.isUsed = true
        receipts.waiting.append(
            ReceiptService.Question(
                order: body.order, sequence: body.entry ?? body.order.sequence, to: to, asked: loop.now))
        tendReceipts(loop.now)
    }

    func cancelReceipt(_ to: ReplyAddress) { receipts.waiting.removeAll { $0.to == to } }

    func tendReceipts(_ now: MonotonicTime) {
        guard receipts.isUsed else { return }
        receipts.ledger.tend(now, random())
        guard receipts.permit == nil, now >= receipts.resumeAt else { return }
        guard let connection = receipts.ledger.connection, connection.isReady,
            connection.facts?.incarnation == incarnation
        else { return giveUpReceipts(now) }
        guard !receipts.waiting.isEmpty else { return }
        let question = receipts.waiting.removeFirst()
        switch core!.breakers.receipts.admit(now) {
        case .refused(let retryAfter): return refuseUnreachable(question.to, after: retryAfter)
        case .admitted(let permit): receipts.permit = permit
        }
        connection.seal(of: question.sequence, in: question.order.partition) { [weak self] result in
            self?.found(result, for: question, on: connection)
        }
    }

    /// Who has waited too long for the connection is told so.
    private func giveUpReceipts(_ now: MonotonicTime) {
        while let first = receipts.waiting.first, now - first.asked > ReceiptService.patience {
            receipts.waiting.removeFirst()
            refuseUnreachable(first.to)
        }
    }

    private func found(
        _ result: Result<SealedBatch?, LedgerError>, for question: ReceiptService.Question,
        on connection: LedgerConnection
    ) {
        switch result {
        case .failure(let error):
            failReceipt(error, question)
        case .success(nil):
            finishReceipt(.success, .zero)
            refuseUnsealed(question)
        case .success(let sealed?):
            // One more than there should be would show.
            connection.loadEntries(
                of: question.order.partition, after: sealed.header.first - 1,
                limit: max(1, sealed.header.count)
            ) { [weak self] result in
                self?.loaded(result, of: sealed, for: question)
            }
        }
    }

    private func loaded(
        _ result: Result<[Entry], LedgerError>, of sealed: SealedBatch, for question: ReceiptService.Question
    ) {
        let entries: [Entry]
        switch result {
        case .failure(let error): return failReceipt(error, question)
        case .success(let found): entries = found
        }
        let began = MonotonicTime.now()
        let receipt = sealed.receipt(for: question.sequence, of: entries)
        let entry = entries.first { $0.sequence == question.sequence }
        if let entry, !entry.belongs(to: question.order.sequence) {
            refuseUnknown(question.to)
        } else if let receipt {
            answer(question.to, OrderReceipt(receipt))
        } else {
            logger.critical(
                "The entries of a batch are not those of its seal; run 'stampede audit'",
                metadata: ["partition": "\(question.order.partition)", "batch": "\(sealed.header.batch)"])
            refuse(
                question.to, .internal, .none, .executed, after: .zero,
                "The ledger's entries are not those of its seal: have an operator run ‘stampede audit’.")
        }
        let reading = TimeAmount(nanoseconds: Int64(entries.count) * ReceiptService.entryTime)
        finishReceipt(.success, MonotonicTime.now() - began + reading)
    }

    private func failReceipt(_ error: LedgerError, _ question: ReceiptService.Question) {
        logger.warning("Cannot read a receipt", metadata: ["error": "\(error)"])
        finishReceipt(error.outcome, .milliseconds(20))
        refuseUnreachable(question.to)
    }

    /// - Parameter time: what it took of the loop.
    private func finishReceipt(_ outcome: CircuitBreaker.Outcome, _ time: TimeAmount) {
        if let permit = receipts.permit.take() { core?.breakers.receipts.record(permit, outcome, .now()) }
        receipts.resumeAt = .now() + time * 5
        guard !receipts.waiting.isEmpty else { return }
        loop.schedule(after: time * 5) { [weak self] in self?.tendReceipts(.now()) }
    }

    // MARK: Refusing

    private func refuseUnsealed(_ question: ReceiptService.Question) {
        let book = core?.partitions[Int(question.order.partition.rawValue)].book
        guard let book, question.order.sequence <= book.committed,
            book.order(at: question.order.sequence) != nil
        else { return refuseUnknown(question.to) }
        refuse(
            question.to, .failedPrecondition, .noReceipt, .executed, after: .zero,
            "There is no such entry, or it was written before batches had seals; ‘stampede audit’ vouches for those."
        )
    }

    private func refuseUnknown(_ to: ReplyAddress) {
        refuse(
            to, .notFound, .unknownOrder, .executed, after: .zero,
            "There is no such order, or no such entry about it; compare it with the order's id.")
    }

    private func refuseUnreachable(_ to: ReplyAddress, after time: TimeAmount = .milliseconds(250)) {
        refuse(
            to, .unavailable, .ledgerUnavailable, .notExecuted, after: max(time, .milliseconds(50)),
            "The ledger does not answer now; nothing was done. Try again after the time given.")
    }
}

extension Entry {
    fileprivate func belongs(to order: Int64) -> Bool {
        sequence == order ? kind == .orderPlaced : about == order
    }
}

extension OrderReceipt {
    /// As it goes over the wire.
    fileprivate init(_ receipt: Receipt) {
        self.init(
            leaf: receipt.leaf, path: receipt.path.flatMap(\.bytes), header: receipt.header.bytes,
            place: Int64(receipt.place), size: Int64(receipt.size),
            siblings: receipt.siblings.flatMap(\.bytes),
            signature: receipt.signature.map { Signature(key: $0.key.bytes, bytes: $0.signature.bytes) })
    }
}
