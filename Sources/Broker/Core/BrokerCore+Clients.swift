package import Wire

extension BrokerCore {
    /// The client by that identity; a new one if there is room, else nil.
    package mutating func client(_ identity: PeerIdentity, isWorker: Bool = false, _ now: MonotonicTime)
        -> Int32?
    {
        let key = ClientState.Key(identity: identity, isWorker: isWorker)
        // Messages come in bursts of one sender: comparing three words is cheaper than hashing them.
        if clients.indices.contains(Int(recentClient)), clients[Int(recentClient)]?.key == key {
            clients[Int(recentClient)]!.lastSeen = now
            return recentClient
        }
        if let index = clientIndex[key] {
            recentClient = index
            clients[Int(index)]!.lastSeen = now
            return index
        }
        // The workers' side has a bound of its own: there are never more callers on it than workers.
        if !isWorker, clientIndex.count >= configuration.maximumClients, !forgetSomebodyIdle(now) {
            return nil
        }
        let state = ClientState(key: key, lastSeen: now)
        let index: Int32
        if let free = freeClients.popLast() {
            clients[Int(free)] = state
            index = free
        } else {
            clients.append(state)
            index = Int32(clients.count - 1)
        }
        clientIndex[key] = index
        return index
    }

    /// Makes room for a newcomer: ROUTER does not tell who has disconnected, so the places of those who have gone
    /// are taken from whoever was silent longest among a few that wait for nothing. One who is still there loses
    /// nothing by it: its next message makes it a place.
    private mutating func forgetSomebodyIdle(_ now: MonotonicTime) -> Bool {
        var longest: (client: Int32, silence: TimeAmount)?
        for _ in 0..<min(64, clients.count) {
            nextIdle = nextIdle + 1 < clients.count ? nextIdle + 1 : 0
            guard let client = clients[nextIdle], client.calls.isEmpty, !client.isMuted else { continue }
            let silence = now - client.lastSeen
            if longest.map({ silence > $0.silence }) ?? true { longest = (Int32(nextIdle), silence) }
        }
        guard let longest else { return false }
        clientLost(longest.client)
        return true
    }

    /// The client is gone: its answers are dropped. Calls that a worker has go on, for their orders stand; its
    /// streams are cancelled, for nobody reads them.
    package mutating func clientLost(_ client: Int32) {
        guard let state = clients[Int(client)] else { return }
        endCalls(of: client)
        unreadBytes -= state.reading.unread
        clientIndex[state.key] = nil
        clients[Int(client)] = nil
        freeClients.append(client)
    }

    private mutating func endCalls(of client: Int32) {
        while let slot = clients[Int(client)]?.calls.first, slot >= 0 {
            if table[slot].stream != nil { withdraw(slot) }
            end(slot)
        }
    }

    /// Ends the streams of a client that has been silent for too long. It is told: it may have been away only.
    private mutating func endStreams(of client: Int32) {
        var slot = clients[Int(client)]?.calls.first ?? -1
        while slot >= 0 {
            let next = table.byClient.next(after: slot)
            if table[slot].stream != nil {
                withdraw(slot)
                fail(slot, .aborted, .none)
            }
            slot = next
        }
    }

    // MARK: Whether it reads

    /// So many bytes were sent to a client. One that leaves too much unread is cut off: what it asked for would
    /// fill the broker's memory.
    package mutating func sent(_ bytes: Int, to client: Int32) {
        guard clients[Int(client)] != nil else { return }
        clients[Int(client)]!.reading.sent(bytes)
        unreadBytes += bytes
        let reading = clients[Int(client)]!.reading
        if reading.isTimeToAsk { ask(client) }
        let free = configuration.maximumUnreadBytes - unreadBytes
        if reading.unread
            > min(configuration.maximumUnreadBytesPerClient, max(free, ReadingProof.askingStep * 2))
        {
            cutOff(client)
        }
    }

    private mutating func ask(_ client: Int32) {
        let number = nextQuestion()
        clients[Int(client)]!.reading.ask(number)
        effects.append(.ask(client: client, number: number))
    }

    /// The client answers a PING of ours.
    package mutating func pong(_ number: UInt64, from client: Int32) {
        unreadBytes -= clients[Int(client)]!.reading.answered(number)
        if clients[Int(client)]!.reading.isTimeToAsk { ask(client) }
    }

    private mutating func cutOff(_ client: Int32) {
        guard !clients[Int(client)]!.isMuted else { return }
        clients[Int(client)]!.isMuted = true
        counters.cutOff += 1
        endCalls(of: client)
        effects.append(.cutOff(client: client))
    }

    // MARK: Time

    /// Forgets who is gone, and asks those who are silent with a stream open.
    package mutating func tendClients(_ now: MonotonicTime) {
        for index in clients.indices {
            guard let client = clients[index] else { continue }
            let silence = now - client.lastSeen
            if client.streams > 0 {
                if silence > configuration.streamSilence {
                    endStreams(of: Int32(index))
                } else if silence > configuration.streamSilence / 3,
                    now - client.askedAt > configuration.streamSilence / 3
                {
                    clients[index]!.askedAt = now
                    effects.append(.ask(client: Int32(index), number: nextQuestion()))
                }
            } else if client.calls.isEmpty, silence > configuration.clientIdleTime {
                clientLost(Int32(index))
            }
        }
    }
}
