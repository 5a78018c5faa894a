package import Sales
package import Wire

/// What the core asks its shell to do. Plain values: the list is reused, nothing is allocated per call.
package enum Effect: Equatable {
    /// Send the message that came in, or the kept copy, to a worker under the call's own name.
    case send(slot: Int32, worker: Int32)
    /// Keep a copy of the message that came in: it waits, or may have to be sent again.
    case keep(slot: Int32)
    /// Let go of the copy.
    case forget(slot: Int32)
    /// Pass the message that came in on to the client that asked, under its own name for the call.
    case deliver(client: Int32, callID: UInt64, certainty: Certainty)
    /// Answer a client.
    case refuse(client: Int32, callID: UInt64, Verdict)
    /// The message that came in calls a method of the broker itself: read its body and answer.
    case answerSelf(client: Int32, callID: UInt64)
    /// Pass the message that came in, an item or credit, on to the stream's worker under the call's own name.
    case passToWorker(slot: Int32, sequence: UInt32)
    /// The same, to the stream's caller under its own name for the call.
    case passToCaller(slot: Int32, sequence: UInt32)
    /// Send an item of the broker's own to a client: `body` is its place in the core's `bodies`.
    case item(client: Int32, callID: UInt64, sequence: UInt32, body: Int32)
    /// Ask a client whether it reads.
    case ask(client: Int32, number: UInt64)
    /// Tell a client that nothing of it is taken any more.
    case cutOff(client: Int32)
    /// Tell a worker that its caller no longer waits.
    case cancel(worker: Int32, id: UInt64)
    /// Tell a peer on the workers' side that the broker knows no session of it.
    case goAway(PeerIdentity)
    case workerJoined(worker: Int32)
    case workerLost(worker: Int32)
    case owned(worker: Int32, Partition, Fence)
    case disowned(worker: Int32, Partition)
}

/// An answer that the broker gives by itself.
package struct Verdict: Equatable {
    package var status: Status
    package var certainty: Certainty
    package var reason: Reason
    package var retryAfter: TimeAmount = .zero
    /// Its body's place in the core's `bodies`; -1 for a sentence that follows from the rest.
    package var body: Int32 = -1
}
