import Methods
import Sales
import Wire
import ZeroMQ

extension Worker {
    /// Sends what the core has answered.
    func sendAnswers() {
        guard !core!.answers.isEmpty else { return }
        for index in core!.answers.indices { send(core!.answers[index]) }
        core!.answers.removeAll(keepingCapacity: true)
    }

    private func send(_ answer: Answer) {
        guard answer.to.item == 0 else { return gather(answer) }
        // An answer for a session that has ended has nowhere to go: the broker counts us as lost by now.
        guard let link = links.first(where: { $0.session == answer.to.session }) else { return }
        var header = Header(.result)
        header.flags = .end
        header.callID = answer.to.callID
        writer.removeAll()
        let isStream = core!.desk.isOpening(answer.to)
        if isStream, beginStream(answer) { return }
        switch answer.reply {
        case .order(let sequence):
            core!.partitions[answer.partition].book.order(at: sequence)?.encode(into: &writer)
        case .settled(let sequence):
            let order = core!.partitions[answer.partition].book.order(at: sequence)
            (order.map(Settlement.placed) ?? .voided).encode(into: &writer)
        case .sale(let sale):
            sale.encode(into: &writer)
        case .sales(let list):
            list.encode(into: &writer)
        case .payments(let unsettled):
            let book = core!.partitions[answer.partition].book
            PaymentList(
                payments: unsettled.compactMap { payment in
                    book.order(at: payment.order).map {
                        .init(order: $0, attempt: payment.attempt, isOwed: payment.isOwed)
                    }
                }
            ).encode(into: &writer)
        case .wait(_, let state):
            // The wait stands, but the partition was given up before its stream could begin.
            if isStream { move(&header, 0) } else { state.encode(into: &writer) }
        case .orders(let sequences, let next):
            let book = core!.partitions[answer.partition].book
            OrderList(orders: sequences.compactMap { book.order(at: $0) }, next: next).encode(into: &writer)
        case .item(let sequence, let item):
            header.kind = .data
            header.flags = []
            header.sequence = sequence
            switch item {
            case .wait(let state): state.encode(into: &writer)
            case .order(let update): update.encode(into: &writer)
            case .sale(let update): update.encode(into: &writer)
            }
        case .ended(let count):
            header.sequence = count
        case .moved(let count):
            move(&header, count)
        case .watch:
            // It was found, and then the partition was given up before the stream could begin.
            move(&header, 0)
        case .scarce(let refusal, let sale, let lane):
            (header.status, header.reason) = refusal.statusAndReason
            body(refusal, sale, lane, answer.partition).encode(into: &writer)
        case .refused(let refusal):
            (header.status, header.reason) = refusal.statusAndReason
            // Not knowing the time decides nothing: a later attempt may.
            header.certainty = refusal == .clockUncertain ? .notExecuted : .executed
            refusal.body.encode(into: &writer)
        case .unavailable(let why):
            (header.status, header.reason) = (why.status, why.reason)
            header.certainty = .notExecuted
            header.milliseconds = UInt32(clamping: core!.retryAfter(why, loop.now).milliseconds)
            FailureBody.encode(message: why.text, into: &writer)
        case .broken:
            header.status = .internal
            FailureBody.encode(
                message: "The ledger cannot store this request; report it with its key.", into: &writer)
        case .returned:
            header.kind = .returned
        case .yielded:
            Empty().encode(into: &writer)
        case .notYielded:
            header.status = .failedPrecondition
            header.certainty = .notExecuted
            header.reason = .busy
            FailureBody.encode(message: "The owner keeps the partition for now.", into: &writer)
        }
        outgoing = Message(header: header, body: writer)
        link.send(&outgoing)
    }

    /// The end of a stream whose partition has another owner now, or soon: whoever asks again finds it.
    private func move(_ header: inout Header, _ count: UInt32) {
        header.sequence = count
        (header.status, header.reason) = (.unavailable, .noOwner)
        header.certainty = .maybeExecuted
        header.milliseconds = 100
        FailureBody.encode(
            message: "The partition changes its owner; ask again, with the same key or from where you are.",
            into: &writer)
    }

    /// A refusal for want of units, and what may come back.
    func body(_ refusal: Refusal, _ sale: SaleID, _ lane: Lane, _ partition: Int) -> FailureBody {
        var body = refusal.body
        core!.partitions[partition].book.refreshOutlook(sale, lane)
        if let outlook = core!.partitions[partition].book.outlook(sale, lane) { body.add(outlook) }
        return body
    }

    /// Takes the answer to a call that asks for a stream: it begins, or ends with this.
    ///
    /// - Returns: true when there is nothing to be sent yet.
    private func beginStream(_ answer: Answer) -> Bool {
        switch answer.reply {
        case .wait(let sequence, _):
            return core!.beginWatch(.wait(sequence), answer.partition, for: answer.to)
        case .watch(let subject): return core!.beginWatch(subject, answer.partition, for: answer.to)
        default:
            core!.desk.end(answer.to)
            return false
        }
    }

    /// Refuses a call that the core knows nothing of, if its session still stands.
    func refuse(
        _ to: ReplyAddress, _ status: Status, _ reason: Reason, _ certainty: Certainty,
        after time: TimeAmount, _ text: String
    ) {
        var header = Header(.result)
        header.flags = .end
        header.callID = to.callID
        (header.status, header.reason, header.certainty) = (status, reason, certainty)
        header.milliseconds = UInt32(clamping: time.milliseconds)
        links.first { $0.session == to.session }?.send(header, FailureBody(message: text))
    }

    func refuse(_ call: Header, _ refusal: CallRefusal, on link: BrokerLink) {
        var header = Header(.result)
        header.flags = .end
        header.callID = call.callID
        header.certainty = .notExecuted
        let text: String
        switch refusal {
        case .malformed(let error):
            (header.status, header.reason) = (.invalidArgument, .malformed)
            text = "The request cannot be read: \(error). Compare it with PROTOCOL.md."
        case .wrongRoute:
            (header.status, header.reason) = (.invalidArgument, .wrongRoute)
            text =
                "Header and body name different sales, lanes, partitions or keys; make the header from the body."
        case .crowded:
            (header.status, header.reason) = (.resourceExhausted, .overloaded)
            header.milliseconds = 100
            text =
                "The worker has as many calls of several orders as it takes; try again after the time given."
        case .manyStreams:
            (header.status, header.reason) = (.resourceExhausted, .overloaded)
            header.milliseconds = 500
            text = "The worker has as many streams as it serves; try again after the time given."
        case .notStream:
            (header.status, header.reason) = (.invalidArgument, .malformed)
            text = "The method replies with a stream; call it with the flag ‘stream’."
        case .unknownMethod:
            (header.status, header.reason) = (.unimplemented, .unknownMethod)
            text = "This worker does not serve the method; check its name and the worker's version."
        }
        link.send(header, FailureBody(message: text))
    }

    /// Answers a call that the core's requests have no part in.
    ///
    /// - Returns: False when the answer has nowhere to go.
    @discardableResult
    func answer(_ to: ReplyAddress, _ body: some MessageBody) -> Bool {
        guard let link = links.first(where: { $0.session == to.session }) else { return false }
        var header = Header(.result)
        header.flags = .end
        header.callID = to.callID
        return link.send(header, body)
    }
}

extension Unavailability {
    var status: Status {
        switch self {
        case .ledger, .stale: .unavailable
        case .busy: .resourceExhausted
        }
    }

    var reason: Reason {
        switch self {
        case .ledger, .stale: .ledgerUnavailable
        case .busy: .overloaded
        }
    }

    var text: StaticString {
        switch self {
        case .ledger: "The ledger does not answer now; nothing was done. Try again after the time given."
        case .stale:
            "This worker cannot confirm its ownership now; nothing was done. Try again after the time given."
        case .busy:
            "Too many requests wait to be decided; nothing was done. Try again after the time given."
        }
    }
}
