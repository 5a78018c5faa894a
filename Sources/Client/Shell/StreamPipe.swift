import Synchronization
import Wire

/// The stretch of a stream between the caller's tasks and the I/O thread.
///
/// Both queues are bounded by credit: items for the reader by the window it was opened with, items kept for
/// another attempt by what may be sent before the first CREDIT.
final class StreamPipe: Sendable {
    /// What the reader gets next.
    enum Next: Sendable {
        case item(Parcel)
        case end(Outcome)
    }

    /// An item of the caller.
    struct Item: Sendable {
        var body: [UInt8] = []
        var isCompressed = false
        /// No item: there are no more.
        var isEnd = false
    }

    private struct State {
        /// From `head` on.
        var queue: [Parcel] = []
        var head = 0
        /// Items that the reader has taken since the I/O thread was last told.
        var taken: UInt32 = 0
        var permits = Limits.initialCredit
        var kept: [Item] = []
        var initialMetadata: Metadata?
        var outcome: Outcome?
        var wasLeft = false
        var reader: Waiter<Next>?
        /// In the order in which they came.
        var writers: [Waiter<Bool>] = []
        var seat: CallID?

        /// Counts an item as taken; a whole batch is worth a word to the I/O thread.
        mutating func took(batch: UInt32) -> Inbox.Note? {
            taken += 1
            guard taken >= batch, outcome == nil, let seat else { return nil }
            defer { taken = 0 }
            return .took(seat, taken)
        }

        mutating func popItem() -> Parcel? {
            guard head < queue.count else { return nil }
            let item = queue[head]
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 64, head * 2 >= queue.count {
                queue.removeFirst(head)
                head = 0
            }
            return item
        }
    }

    private let inbox: Inbox
    /// So many items taken are worth a word to the I/O thread.
    private let batch: UInt32
    private let state = Mutex(State())

    /// - Parameter window: items that may wait for the reader.
    init(inbox: Inbox, window: Int) {
        self.inbox = inbox
        batch = UInt32(window / 2)
    }

    /// The call has been admitted.
    func seated(_ seat: CallID) { state.withLock { $0.seat = seat } }

    /// How the call ended; nil while it has not.
    var outcome: Outcome? { state.withLock { $0.outcome } }

    /// Of the first item; nil before it has come.
    var initialMetadata: Metadata? { state.withLock { $0.initialMetadata } }

    /// The caller leaves: a call that has not ended is not wanted any more.
    func leave() {
        state.withLock { $0.wasLeft = $0.outcome == nil }
        cancel()
    }

    /// The caller left while the call was open.
    var wasLeft: Bool { state.withLock { $0.wasLeft } }

    func cancel() {
        let seat = state.withLock { $0.outcome == nil ? $0.seat : nil }
        if let seat { inbox.post(.cancel(seat)) }
    }

    // MARK: The reader

    /// The next item, or the end once every item was taken. One reader at a time.
    nonisolated(nonsending) func next() async -> Next {
        if let next = take(nil) { return next }
        return await Waiter.wait { waiter in
            if let next = take(waiter) { waiter.resume(returning: next) }
        }
    }

    /// Takes what is there. When nothing is, `reader` waits for it.
    private func take(_ reader: Waiter<Next>?) -> Next? {
        let (next, note): (Next?, Inbox.Note?) = state.withLock { state in
            if let item = state.popItem() { return (.item(item), state.took(batch: batch)) }
            if let outcome = state.outcome { return (.end(outcome), nil) }
            guard let reader else { return (nil, nil) }
            precondition(state.reader == nil, "two tasks read one stream; give it one reader")
            state.reader = reader
            return (nil, nil)
        }
        if let note { inbox.post(note) }
        return next
    }

    // MARK: The writer

    /// Waits for credit. False when the call has ended.
    nonisolated(nonsending) func permit() async -> Bool {
        if let isOpen = takePermit(nil) { return isOpen }
        return await Waiter.wait { waiter in
            if let isOpen = takePermit(waiter) { waiter.resume(returning: isOpen) }
        }
    }

    /// Takes a permit if there is one. Otherwise `writer` waits for it.
    private func takePermit(_ writer: Waiter<Bool>?) -> Bool? {
        state.withLock { state in
            if state.outcome != nil { return false }
            if state.permits > 0 {
                state.permits -= 1
                return true
            }
            if let writer { state.writers.append(writer) }
            return nil
        }
    }

    /// Hands an item, for which there is credit, to the I/O thread.
    func post(_ item: Item) {
        guard let seat = state.withLock({ $0.outcome == nil ? $0.seat : nil }) else { return }
        inbox.post(.item(seat, item))
    }

    // MARK: The I/O thread

    /// Passes an item on to the reader.
    func deliver(_ parcel: Parcel) {
        let (reader, note): (Waiter<Next>?, Inbox.Note?) = state.withLock { state in
            if state.initialMetadata == nil { state.initialMetadata = parcel.metadata }
            guard let reader = state.reader.take() else {
                state.queue.append(parcel)
                return (nil, nil)
            }
            return (reader, state.took(batch: batch))
        }
        if let note { inbox.post(note) }
        reader?.resume(returning: .item(parcel))
    }

    /// Lets the writer go on.
    func allow(_ count: UInt32) {
        let writers = state.withLock { state in
            state.permits += count
            let ready = min(Int(state.permits), state.writers.count)
            state.permits -= UInt32(ready)
            defer { state.writers.removeFirst(ready) }
            return Array(state.writers.prefix(ready))
        }
        for writer in writers { writer.resume(returning: true) }
    }

    func keep(_ item: Item) { state.withLock { $0.kept.append(item) } }
    var keptItems: [Item] { state.withLock { $0.kept } }
    func dropKept() { state.withLock { $0.kept = [] } }

    /// The call has ended. What came before stays for the reader.
    func end(_ outcome: Outcome) {
        let (reader, writers) = state.withLock { state in
            state.outcome = outcome
            state.kept = []
            defer { state.writers = [] }
            return (state.reader.take(), state.writers)
        }
        reader?.resume(returning: .end(outcome))
        for writer in writers { writer.resume(returning: false) }
    }
}
