import Foundation
import Glibc
import Synchronization

/// A relay between two unix sockets, on a thread of its own, that loses what a test wants lost.
///
/// Between a worker and Postgres it knows a transaction's call by the name of its prepared statement; between
/// a worker and a broker it knows a beat.
public final class Relay: Sendable {
    /// What happens to the next transaction that passes. Springs once.
    public enum Trap: Sendable, Equatable {
        /// It reaches the server and commits; the reply is lost with the connection.
        case loseReply
        /// It is lost with the connection.
        case loseRequest
        /// The server has executed it and waits for the end of the transaction when the client's side is cut.
        /// The old backend lives on, with its locks, until `release` (or its end by somebody else).
        case strand
        /// The same, but the client stays connected and waits.
        case stall
        /// It reaches the server, and the client's side is cut while the server may still be at work.
        case abandon
    }

    /// What the relay's thread shares with the test.
    struct Orders {
        var trap: Trap?
        var blocksWhenSprung = false
        var isBlocked = false
        var isCut = false
        var isLosingBeats = false
        var isFreezing = false
        /// For stranded and stalled connections: true to end the transaction, false to end the connection.
        var release: Bool?
        var isStopped = false
        var sprung = 0
        var stranded = 0
        var beatsLost = 0
    }

    let orders = Mutex(Orders())
    private let ended = DispatchSemaphore(value: 0)

    enum Traffic {
        case postgres
        case zeroMQ
    }

    /// - Parameters:
    ///   - path: of the socket to listen on.
    ///   - target: path of the socket to connect to, once per accepted connection.
    init(_ traffic: Traffic, at path: String, to target: String) throws {
        let listener = try UnixSocket.listen(at: path)
        let thread = Thread { [self] in
            RelayLoop(traffic: traffic, listener: listener, target: target, relay: self).run()
            ended.signal()
        }
        thread.start()
    }

    /// Arms a trap for the next transaction.
    ///
    /// - Parameter blocking: whether the trap also cuts all other connections and refuses new ones.
    public func arm(_ trap: Trap, blocking: Bool = false) {
        orders.withLock {
            $0.trap = trap
            $0.blocksWhenSprung = blocking
        }
    }

    /// How many traps have sprung.
    public var sprung: Int { orders.withLock { $0.sprung } }
    /// Old backends that live without a client.
    public var stranded: Int { orders.withLock { $0.stranded } }
    public var beatsLost: Int { orders.withLock { $0.beatsLost } }

    /// Cuts every connection but stranded ones, on both sides.
    public func cut() { orders.withLock { $0.isCut = true } }

    /// Carries nothing more on the present connections, and tells neither side. New ones work.
    public func freeze() { orders.withLock { $0.isFreezing = true } }

    /// Refuses new connections.
    public func block() { orders.withLock { $0.isBlocked = true } }
    public func unblock() { orders.withLock { $0.isBlocked = false } }

    /// Drops every beat of a worker, whole, while the connection stays up.
    public func loseBeats(_ isLosing: Bool) { orders.withLock { $0.isLosingBeats = isLosing } }

    /// Lets stranded and stalled transactions end: by their COMMIT, or by the loss of the connection.
    public func release(commit: Bool) { orders.withLock { $0.release = commit } }

    func stop() {
        orders.withLock { $0.isStopped = true }
        ended.wait()
        ended.signal()
    }
}
