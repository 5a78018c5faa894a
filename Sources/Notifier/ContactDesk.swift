import Dispatch
import Ledger
import Logging
import Methods
import Notifications
import Sales
import Service
import Synchronization
import Wire
import ZeroMQ

/// Answers the calls about contacts. While one statement stores some, those that come gather for the next, so that a
/// crowd is stored in few.
final class ContactDesk: Sendable {
    private struct State {
        var waiting: [(contact: Contact, done: CheckedContinuation<Void, any Error>)] = []
        var isStoring = false
    }

    /// Calls that may wait; beyond it they are refused.
    static let limit = 8_192
    private static let batch = 512
    /// How long an erasure waits for messages that are being handed over.
    private static let patience = TimeAmount.seconds(3)

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "stampede.contacts")
    // Touched on the queue only.
    private nonisolated(unsafe) let store: Store
    private let channels: Set<Channel>
    private let shared: Shared

    init(store: Store, channels: Set<Channel>, shared: Shared) {
        self.store = store
        self.channels = channels
        self.shared = shared
    }

    var service: Service {
        var service = Service("contact")
        let descriptions = MethodDescription.ofContacts
        service.unary(ContactMethods.set, descriptions[0]) { [self] contact, _ in
            try await set(contact)
            return Empty()
        }
        service.unary(ContactMethods.erase, descriptions[1]) { [self] request, _ in
            try await erase(request)
        }
        service.unary(ContactMethods.get, descriptions[2]) { [self] request, _ in
            try await get(request)
        }
        return service
    }

    // MARK: Setting

    private func set(_ contact: Contact) async throws {
        guard contact.sale.rawValue > 0, contact.buyer.rawValue > 0 else {
            throw Failure(
                .invalidArgument, "Sale and buyer are numbers above zero.", certainty: .notExecuted,
                reason: .malformed)
        }
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            let (isAccepted, isFirst) = state.withLock { state in
                guard state.waiting.count < ContactDesk.limit else { return (false, false) }
                state.waiting.append((contact, done))
                defer { state.isStoring = true }
                return (true, !state.isStoring)
            }
            guard isAccepted else {
                return done.resume(
                    throwing: Failure(
                        .resourceExhausted, "Too many contacts wait to be stored: try again.",
                        certainty: .notExecuted, retryAfter: .milliseconds(200)))
            }
            if isFirst { queue.async { [self] in storeAll() } }
        }
    }

    /// On the queue.
    private func storeAll() {
        while true {
            let some = state.withLock { state in
                let some = Array(state.waiting.prefix(ContactDesk.batch))
                state.waiting.removeFirst(some.count)
                if some.isEmpty { state.isStoring = false }
                return some
            }
            guard !some.isEmpty else { return }
            // Of two for one buyer the later counts.
            var last: [GetContact: Contact] = [:]
            for (contact, _) in some { last[GetContact(sale: contact.sale, buyer: contact.buyer)] = contact }
            do throws(LedgerError) {
                try store.set(Array(last.values), channels: channels)
                for (_, done) in some { done.resume() }
                shared.ring()
            } catch {
                for (_, done) in some { done.resume(throwing: Failure(error)) }
            }
        }
    }

    // MARK: The others

    private func get(_ request: GetContact) async throws -> Contact {
        let found = try await ask { store throws(LedgerError) in
            try store.contact(request.sale, request.buyer)
        }
        guard let found else {
            throw Failure(.notFound, "No contact is known of this buyer of the sale.")
        }
        return found
    }

    private func erase(_ request: EraseContact) async throws -> ErasedContact {
        let end = MonotonicTime.now() + ContactDesk.patience
        var erased = ErasedContact(wasKnown: false, underWay: 0)
        while true {
            let (wasKnown, underWay) = try await ask { store throws(LedgerError) in
                try store.erase(request.sale, request.buyer)
            }
            erased.wasKnown = erased.wasKnown || wasKnown
            erased.underWay = Int64(underWay)
            guard underWay > 0, .now() < end else { return erased }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func ask<Value: Sendable>(
        _ body: @escaping @Sendable (Store) throws(LedgerError) -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                do throws(LedgerError) {
                    continuation.resume(returning: try body(store))
                } catch {
                    continuation.resume(throwing: Failure(error))
                }
            }
        }
    }
}

extension Failure {
    /// Our words, not the server's: those may tell more than a caller should know.
    fileprivate init(_ error: LedgerError) {
        self.init(
            .unavailable, "The contacts cannot be reached now: try again.",
            certainty: error.code == .lost ? .maybeExecuted : .notExecuted, reason: .ledgerUnavailable,
            retryAfter: .milliseconds(500))
    }
}
