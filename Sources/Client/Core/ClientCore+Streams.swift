import Wire

extension ClientCore {
    /// The CALL of a stream is on its way: what the caller has said so far follows it, and the reader's credit.
    mutating func beginStream(_ slot: Int) {
        calls[slot].stream?.restart()
        if calls[slot].stream?.sendsItems == true { actions.append(.replay(slot: slot)) }
        announceCredit(slot) { $0.grant() }
    }

    // MARK: The caller's items

    /// What the shell does with an item of the caller.
    struct Passage: Hashable, Sendable {
        /// Keep the item until `.commit`: the stream may be sent again.
        var isKept: Bool
        /// Send it now, to this broker.
        var isSent: Bool
    }

    /// The caller has an item, for which it has credit.
    func passage(_ slot: Int) -> Passage {
        guard let stream = calls[slot].stream else { preconditionFailure("an item of a unary call") }
        return Passage(isKept: !stream.isCommitted, isSent: calls[slot].attempt.state == .sent)
    }

    /// The header of the caller's next message.
    mutating func itemHeader(_ slot: Int, isEnd: Bool) -> Header {
        var header = Header(.data)
        header.callID = calls[slot].id(slot: slot, attempt: calls[slot].attempt.number).rawValue
        header.sequence = calls[slot].stream?.nextToSend(isEnd: isEnd) ?? 0
        if isEnd { header.flags.insert(.end) }
        return header
    }

    /// Takes a CREDIT: the writer may go on.
    mutating func credited(_ header: Header, from broker: Int) {
        guard let slot = openStream(header, from: broker), calls[slot].stream?.sendsItems == true else {
            counts.lateItems += 1
            return
        }
        commit(slot)
        let more = calls[slot].stream?.allow(header.sequence) ?? 0
        if more > 0 { actions.append(.permit(slot: slot, count: more)) }
    }

    // MARK: The worker's items

    /// Takes an item, or ends a call whose items are out of order or beyond their credit.
    mutating func gotItem(_ header: Header, from broker: Int) {
        guard let slot = openStream(header, from: broker) else {
            counts.lateItems += 1
            return
        }
        commit(slot)
        guard calls[slot].stream?.receive(header.sequence) == true else {
            cancelAttempts(slot, but: 0)
            return end(
                slot,
                Ending(
                    status: .internal, certainty: .maybeExecuted, reason: .flowControl, cause: .flowControl))
        }
        actions.append(.deliver(slot: slot))
    }

    /// The reader has taken items of a call.
    mutating func took(_ count: UInt32, of seat: CallID) {
        guard isLive(seat), calls[seat.slot].stream != nil else { return }
        announceCredit(seat.slot) { $0.take(count) }
    }

    private mutating func announceCredit(_ slot: Int, _ change: (inout StreamFlow) -> UInt32?) {
        guard var stream = calls[slot].stream, stream.receivesItems else { return }
        let total = change(&stream)
        calls[slot].stream = stream
        let attempt = calls[slot].attempt
        guard let total, attempt.state == .sent else { return }
        let id = calls[slot].id(slot: slot, attempt: attempt.number)
        actions.append(.credit(broker: Int(attempt.broker), id: id, total: total))
    }

    /// The stream that a message of a broker belongs to, if that is still open.
    private func openStream(_ header: Header, from broker: Int) -> Int? {
        let id = CallID(rawValue: header.callID)
        guard isLive(id), calls[id.slot].stream != nil, isOpen(id.slot, id.attempt, at: broker) else {
            return nil
        }
        return id.slot
    }

    /// The stream has begun at a worker: from here on it is not sent again.
    private mutating func commit(_ slot: Int) {
        guard calls[slot].stream?.isCommitted == false else { return }
        calls[slot].stream?.isCommitted = true
        if calls[slot].stream?.sendsItems == true { actions.append(.commit(slot: slot)) }
    }
}
