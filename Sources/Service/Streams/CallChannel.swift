import Synchronization
import Wire

/// What a call's handler and the I/O thread share: items on their way, credit, and metadata.
///
/// Bounded: the caller may send only as many items as the handler's reading has allowed, and the handler
/// only as many as the caller's. A slow reader on either side stops its writer.
final class CallChannel: Sendable {
    /// An item of the caller, as it came.
    struct Item: Sendable {
        let bytes: [UInt8]
        let isCompressed: Bool
    }

    private struct State {
        // From the caller.
        var items: [Item] = []
        var head = 0
        var taken: UInt32 = 0
        var granted = Limits.initialCredit
        var isEnded = false
        var reader: CheckedContinuation<Void, Never>?

        // To the caller.
        var sent: UInt32 = 0
        var credit = Limits.initialCredit
        var writers: [CheckedContinuation<Void, Never>] = []
        var metadata = (initial: Metadata(), trailing: Metadata())

        /// Nobody hears the answer, or the handler has returned.
        var isStopped = false

        mutating func pop() -> Item? {
            guard head < items.count else { return nil }
            defer {
                head += 1
                taken += 1
                if head == items.count {
                    items.removeAll(keepingCapacity: true)
                    head = 0
                }
            }
            return items[head]
        }
    }

    let token: CallToken
    private let outbox: Outbox
    /// Items that the handler takes beyond those that it has read.
    private let window: UInt32
    /// The caller reads compressed bodies.
    let takesCompressed: Bool
    private let state = Mutex(State())

    init(token: CallToken, outbox: Outbox, window: UInt32, takesCompressed: Bool) {
        self.token = token
        self.outbox = outbox
        self.window = window
        self.takesCompressed = takesCompressed
    }

    // MARK: The I/O thread

    /// An item of the caller came, or its end, or both.
    func deliver(_ item: Item?, isLast: Bool) {
        let reader = state.withLock { state in
            if let item { state.items.append(item) }
            if isLast { state.isEnded = true }
            return state.reader.take()
        }
        reader?.resume()
    }

    /// The caller takes this many items in all.
    func allow(_ credit: UInt32) {
        let writers = state.withLock { state in
            state.credit = credit
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.resume() }
    }

    /// Nothing that the handler does will be heard: whoever waits is told.
    func stop() {
        let (reader, writers) = state.withLock { state in
            state.isStopped = true
            state.items = []
            state.head = 0
            defer { state.writers = [] }
            return (state.reader.take(), state.writers)
        }
        reader?.resume()
        for writer in writers { writer.resume() }
    }

    // MARK: The handler

    /// The caller's next item, nil after its last.
    ///
    /// - Throws: `CancellationError` when the call is over.
    func next() async throws -> Item? {
        while true {
            enum Step {
                case item(Item, grant: UInt32?)
                case end
                case stopped
                case wait
            }
            let step: Step = state.withLock { state in
                if state.isStopped { return .stopped }
                guard let item = state.pop() else { return state.isEnded ? .end : .wait }
                // Half a window at a time: a CREDIT for every item would double the messages.
                guard !state.isEnded, state.granted - state.taken <= window / 2 else {
                    return .item(item, grant: nil)
                }
                state.granted = state.taken + window
                return .item(item, grant: state.granted)
            }
            switch step {
            case .item(let item, let grant):
                if let grant { outbox.push(.credit(token, grant)) }
                return item
            case .end: return nil
            case .stopped: throw CancellationError()
            case .wait:
                try Task.checkCancellation()
                await waitForItems()
            }
        }
    }

    private func waitForItems() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    precondition(state.reader == nil, "the items of a call are read by one task at a time")
                    guard state.head == state.items.count, !state.isEnded, !state.isStopped else {
                        return false
                    }
                    state.reader = continuation
                    return true
                }
                if !isWaiting {
                    continuation.resume()
                } else if Task.isCancelled {
                    // The handler may have run before there was anything to resume.
                    wakeReader()
                }
            }
        } onCancel: {
            wakeReader()
        }
    }

    private func wakeReader() {
        state.withLock { $0.reader.take() }?.resume()
    }

    /// Sends an item to the caller once it takes one.
    ///
    /// - Throws: `CancellationError` when the call is over; `Failure` for metadata that is too large.
    func send(_ body: Parcel) async throws {
        while true {
            let isSent = try state.withLock { state in
                if state.isStopped { throw CancellationError() }
                guard state.sent < state.credit else { return false }
                var body = body
                if state.sent == 0 { body.metadata = try Parcel.encode(state.metadata.initial) }
                try body.checkSize()
                state.sent += 1
                // Under the lock, so that items leave in the order of their credit.
                outbox.push(.item(token, body))
                return true
            }
            if isSent { return }
            try Task.checkCancellation()
            await waitForCredit()
        }
    }

    private func waitForCredit() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    guard state.sent >= state.credit, !state.isStopped else { return false }
                    state.writers.append(continuation)
                    return true
                }
                if !isWaiting {
                    continuation.resume()
                } else if Task.isCancelled {
                    wakeWriters()
                }
            }
        } onCancel: {
            wakeWriters()
        }
    }

    /// Those that still wait for credit find that out and wait again.
    private func wakeWriters() {
        let writers = state.withLock { state in
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.resume() }
    }

    // MARK: Metadata

    var metadata: (initial: Metadata, trailing: Metadata) { state.withLock { $0.metadata } }

    func setMetadata(initial: Metadata) { state.withLock { $0.metadata.initial = initial } }
    func setMetadata(trailing: Metadata) { state.withLock { $0.metadata.trailing = trailing } }

    /// What goes with the RESULT: the initial metadata too when no item took it along.
    var closingMetadata: Metadata {
        state.withLock { state in
            guard state.sent == 0 else { return state.metadata.trailing }
            var all = state.metadata.initial
            for (key, value) in state.metadata.trailing.pairs { all[key] = value }
            return all
        }
    }
}
