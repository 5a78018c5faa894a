import Ledger
import Logging
import Notifications
import Wire
import ZeroMQ

/// Keeps the tables within their bounds, ends what has waited long enough, and says how much is due.
struct Housekeeping {
    let configuration: NotifierConfiguration
    let shared: Shared
    let logger: Logger

    func run() {
        let store = Store(dsn: configuration.ledger, name: "stampede-notify-keeper")
        var nextLook = MonotonicTime.now()
        var nextPruning = MonotonicTime.now()
        while !shared.isStopping {
            do throws(LedgerError) {
                let gone = try store.endWaiting(channels: configuration.channels)
                if gone > 0 {
                    logger.debug("Events had no contact to be told to", metadata: ["events": "\(gone)"])
                }
                if .now() >= nextLook {
                    nextLook = .now() + .seconds(10)
                    try look(store)
                }
                if .now() >= nextPruning {
                    nextPruning = .now() + (try prune(store) ? .seconds(1) : .seconds(600))
                }
            } catch {
                logger.error("The ledger does not answer", metadata: ["error": "\(error.message)"])
            }
            shared.sleep(.seconds(1))
        }
    }

    private func look(_ store: Store) throws(LedgerError) {
        let counts = try store.counts()
        let due = counts.due.values.reduce(counts.waiting) { $0 + $1.count }
        let isFull = due > configuration.backlog
        if isFull, !shared.isFull {
            logger.error(
                "Too many messages are due: no events are read until they are sent",
                metadata: ["due": "\(due)"])
        }
        shared.isFull = isFull
        var metadata: Logger.Metadata = ["waiting": "\(counts.waiting)", "dead": "\(counts.dead)"]
        for (channel, due) in counts.due {
            metadata["\(channel.rawValue)"] = "\(due.count)"
            metadata["\(channel.rawValue)_oldest_ms"] = "\(due.oldest.milliseconds)"
        }
        logger.debug("Messages to send", metadata: metadata)
    }

    private func prune(_ store: Store) throws(LedgerError) -> Bool {
        let (more, dead) = try store.prune(
            over: configuration.keepOver, dead: configuration.keepDead, contacts: configuration.keepContacts)
        if dead > 0 {
            logger.warning("Dead letters were removed for their age", metadata: ["letters": "\(dead)"])
        }
        return more
    }
}
