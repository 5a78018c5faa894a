import Methods
import Sales
import Wire
import ZeroMQ

/// The answers to a call of several orders, until all are there.
struct Gathering {
    var answers: [PlacedAnswer?]
    var missing: Int
    /// Orders that were handed back undecided. When all were, so is the call.
    var returned = 0
    /// Orders that were not decided, those among them.
    var undecided = 0
    /// Somebody had the call before, and may have decided some of its orders.
    let isRetry: Bool

    /// Some of the orders are in the ledger.
    var hasPlaced: Bool {
        answers.contains {
            if case .placed? = $0 { true } else { false }
        }
    }

    init(count: Int, isRetry: Bool) {
        self.isRetry = isRetry
        answers = Array(repeating: nil, count: count)
        missing = count
    }
}

extension Worker {
    /// Calls of several that this worker takes at a time. Each weighs as much as its orders, up to 256 of them, and
    /// single orders must not wait behind more than a few transactions' worth.
    static let maximumGatherings = 64

    /// Asks for each order by itself: the core knows no calls of several.
    func placeMany(_ body: PlaceMany, _ header: Header, _ to: ReplyAddress) throws(CallRefusal) {
        try checkRoute(body.sale, body.lane, body.key, header)
        guard body.key.rawValue != 0 else {
            throw .malformed(WireError(.badValue, at: Header.size, field: "key"))
        }
        guard let count = core?.partitions.count else { return }
        let partition = RoutingKey(sale: body.sale.rawValue, lane: body.lane.rawValue).partition(of: count)
        gatherings[to] = Gathering(
            count: body.orders.count, isRetry: header.flags.contains(.retry))
        for (index, order) in body.orders.enumerated() {
            var item = to
            item.item = UInt16(index + 1)
            let request = PlaceOrder(
                sale: body.sale, lane: body.lane, buyer: order.buyer, quantity: order.quantity,
                key: order.key)
            core!.receive(.place(request), for: partition, to: item, loop.now)
        }
    }

    /// Takes the answer to one of several orders; the call's answer leaves with the last.
    func gather(_ answer: Answer) {
        var call = answer.to
        call.item = 0
        // Without a gathering the caller has cancelled: its orders stand.
        guard gatherings[call] != nil else { return }
        let index = Int(answer.to.item) - 1
        gatherings[call]!.answers[index] = placedAnswer(answer)
        gatherings[call]!.missing -= 1
        if answer.reply == .returned { gatherings[call]!.returned += 1 }
        if answer.reply.isUndecided { gatherings[call]!.undecided += 1 }
        guard gatherings[call]!.missing == 0, let done = gatherings.removeValue(forKey: call) else { return }
        guard let link = links.first(where: { $0.session == call.session }) else { return }
        var header = Header(done.returned == done.answers.count ? .returned : .result)
        header.flags = .end
        header.callID = call.callID
        guard done.isRetry, done.undecided > 0, header.kind == .result else {
            link.send(header, PlacedMany(answers: done.answers.compactMap { $0 }))
            return
        }
        // "Not decided" is true of this attempt alone: an order may be in the ledger since an earlier one. Only the
        // whole call can be refused such that brokers and clients keep in mind that it may have run. And what this attempt
        // has placed is in the ledger, though nobody is told of it.
        (header.status, header.reason) = (.unavailable, .ledgerUnavailable)
        header.certainty = done.hasPlaced ? .maybeExecuted : .notExecuted
        header.milliseconds = 250
        link.send(
            header,
            FailureBody(
                message:
                    "Some of the orders could not be decided; ask again with the same keys after the time given."
            ))
    }

    private func placedAnswer(_ answer: Answer) -> PlacedAnswer {
        switch answer.reply {
        case .order(let sequence):
            guard let order = core!.partitions[answer.partition].book.order(at: sequence) else {
                preconditionFailure("an order was answered that is not in its book")
            }
            return .placed(order)
        case .refused(let refusal):
            let (status, reason) = refusal.statusAndReason
            return .refused(status, reason, refusal.body)
        case .scarce(let refusal, let sale, let lane):
            let (status, reason) = refusal.statusAndReason
            return .refused(status, reason, body(refusal, sale, lane, answer.partition))
        case .unavailable(let why):
            return .refused(why.status, why.reason, FailureBody(message: "\(why.text)"))
        case .returned:
            return .refused(
                .unavailable, .noOwner,
                FailureBody(message: "The partition changed its owner; ask again with the same key."))
        case .broken:
            return .refused(
                .internal, .none,
                FailureBody(message: "The ledger cannot store this request; report it with its key."))
        case .settled, .sale, .sales, .payments, .wait, .orders, .watch, .item, .ended, .moved, .yielded,
            .notYielded:
            preconditionFailure("an answer to another question than an order")
        }
    }

    /// The caller of a call of several no longer waits.
    func dropGathering(_ to: ReplyAddress) { gatherings[to] = nil }
}
