package import Wire

/// Streams pass through: the broker counts their items against their credit and keeps none.
extension BrokerCore {
    /// An item of the caller, or the end of them.
    package mutating func callerSends(_ header: Header, size: Int, from client: Int32, _ now: MonotonicTime) {
        guard let slot = stream(header.callID, of: client) else { return }
        let hasItem = size > Header.size + Int(header.metadataLength)
        let isInOrder = table[slot].stream!.callerSends(
            header.sequence, hasItem: hasItem, isLast: header.flags.contains(.end))
        guard isInOrder, table[slot].place == .inFlight else { return breakStream(slot) }
        guard workers[Int(table[slot].worker)]!.reading.unread < WorkerState.maximumUnread else {
            withdraw(slot)
            return fail(slot, .resourceExhausted, .overloaded, retryAfter: .milliseconds(500))
        }
        effects.append(.passToWorker(slot: slot, sequence: header.sequence))
    }

    /// The caller takes more items.
    package mutating func callerAllows(_ header: Header, from client: Int32, _ now: MonotonicTime) {
        guard let slot = stream(header.callID, of: client) else { return }
        let limit = table[slot].stream!.callerAllows(header.sequence)
        switch table[slot].place {
        case .inFlight: effects.append(.passToWorker(slot: slot, sequence: limit))
        case .watching: tell(slot)
        case .free, .unplaced, .parked, .waiting: break
        }
    }

    /// An item of the worker.
    package mutating func workerSends(_ header: Header, from worker: Int32) {
        guard let slot = stream(header.callID, at: worker) else { return }
        guard table[slot].stream!.workerSends(header.sequence) else { return breakStream(slot) }
        effects.append(.passToCaller(slot: slot, sequence: header.sequence))
    }

    /// The worker takes more items.
    package mutating func workerAllows(_ header: Header, from worker: Int32) {
        guard let slot = stream(header.callID, at: worker) else { return }
        let limit = table[slot].stream!.workerAllows(header.sequence)
        effects.append(.passToCaller(slot: slot, sequence: limit))
    }

    /// What comes after a stream's end has crossed it on the way: that is normal.
    private mutating func stream(_ callID: UInt64, of client: Int32) -> Int32? {
        guard let slot = table.slot(of: callID, client: client), table[slot].stream != nil else {
            counters.lateAnswers += 1
            return nil
        }
        return slot
    }

    private mutating func stream(_ id: UInt64, at worker: Int32) -> Int32? {
        guard let slot = table.slot(of: id), table[slot].place == .inFlight, table[slot].worker == worker,
            table[slot].stream != nil
        else {
            counters.lateAnswers += 1
            return nil
        }
        return slot
    }

    private mutating func breakStream(_ slot: Int32) {
        withdraw(slot)
        fail(slot, .internal, .flowControl)
    }
}
