import ZeroMQ

/// What leaves at the end of the loop's turn: everything that was decided in it, in order, in one go.
struct Outbox: ~Copyable {
    /// Where a message goes, and whom it concerns if it cannot.
    struct Departure {
        enum Purpose {
            /// A call under this name; if it cannot leave, it was never handed over.
            case call(id: UInt64, worker: Int32)
            case worker(Int32)
            case client(Int32)
            /// A peer without a session: if it is gone it needs no answer.
            case nobody
        }

        let identity: PeerIdentity
        let port: Port
        let purpose: Purpose
        /// It could not leave because there is no such peer any more; one that is there and does not read is stuck.
        var isGone = false
    }

    private var messages: MessageBatch
    private var departures: [Departure] = []
    /// Those whose message could not leave, until somebody asks.
    private var failed: [Departure] = []

    init(capacity: Int) {
        messages = MessageBatch(capacity: capacity)
        departures.reserveCapacity(capacity)
    }

    var isEmpty: Bool { departures.isEmpty }
    var isFull: Bool { messages.isFull }

    mutating func append(_ message: inout Message, _ departure: Departure) {
        messages.append(&message)
        departures.append(departure)
    }

    /// Sends everything, and remembers what could not leave.
    mutating func send(clients: SideSocket, workers: SideSocket) {
        for index in departures.indices {
            let departure = departures[index]
            let result = departure.identity.withBytes { identity in
                switch departure.port {
                case .clients: clients.socket.send(messages, at: index, to: identity)
                case .workers: workers.socket.send(messages, at: index, to: identity)
                }
            }
            if result == .sent { continue }
            messages.drop(at: index)
            failed.append(departure)
            failed[failed.count - 1].isGone = result == .unroutable
        }
        messages.removeSent()
        departures.removeAll(keepingCapacity: true)
    }

    /// Takes those whose message could not leave, in their order.
    mutating func takeFailed() -> [Departure] {
        defer { failed = [] }
        return failed
    }
}
