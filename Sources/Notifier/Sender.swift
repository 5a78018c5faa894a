import Ledger
import Logging
import Methods
import Notifications
import Resilience
import Synchronization
import Wire
import ZeroMQ

/// Hands due messages of one channel over, one after the other: claims a row, sends, stores how it ended.
///
/// A crash between the server's yes and the store's is the one moment in which a message may go out twice; both then have
/// the same key.
struct Sender {
    let channel: Channel
    let configuration: NotifierConfiguration
    let shared: Shared
    let breaker: Breaker
    let logger: Logger

    /// A breaker that several threads ask.
    final class Breaker: Sendable {
        let state: Mutex<CircuitBreaker>

        init(seed: UInt64) {
            var configuration = CircuitBreaker.Configuration()
            // Mail servers take their time, and a low rate of messages has to be judged, too.
            configuration.window = .seconds(30)
            configuration.minimumVolume = 6
            configuration.unreachableInRow = 3
            configuration.slow = .seconds(10)
            configuration.overdue = nil
            configuration.probeTimeout = .seconds(30)
            configuration.probes = 1
            configuration.goodProbes = 1
            configuration.probesJudged = 1
            state = Mutex(CircuitBreaker(configuration, seed: seed))
        }
    }

    /// With nothing to do, it looks this often.
    private static let idle = TimeAmount.milliseconds(500)
    /// Crashes of the process while it had a message count, too.
    private static let mostTries = 100

    func run() {
        guard let makeCarrier = configuration.carriers[channel] else { return }
        let carrier = makeCarrier()
        let store = Store(dsn: configuration.ledger, name: "stampede-notify-\(channel.rawValue)")
        var random = SystemRandomNumberGenerator()
        while !shared.isStopping {
            let admission = breaker.state.withLock { $0.admit(.now()) }
            tellOfBreaker()
            guard case .admitted(let permit) = admission else {
                guard case .refused(let after) = admission else { continue }
                shared.sleep(min(max(after, .milliseconds(20)), Sender.idle))
                continue
            }
            do throws(LedgerError) {
                let start = MonotonicTime.now()
                guard let claim = try store.claim(channel, for: configuration.lease) else {
                    breaker.state.withLock { $0.record(permit, .ignored, .now()) }
                    shared.waitForNews(channel, atMost: Sender.idle)
                    continue
                }
                let verdict = serve(claim, by: start + configuration.lease, carrier, &random)
                breaker.state.withLock { $0.record(permit, verdict.outcome, .now()) }
                try keepTrying(store, claim, verdict.ending)
            } catch {
                breaker.state.withLock { $0.record(permit, .ignored, .now()) }
                logger.error("The ledger does not answer", metadata: ["error": "\(error.message)"])
                shared.sleep(.seconds(1))
            }
        }
    }

    private typealias Verdict = (ending: Store.Ending, outcome: CircuitBreaker.Outcome)

    private func serve(
        _ claim: Store.Claim, by end: MonotonicTime, _ carrier: any Carrier,
        _ random: inout SystemRandomNumberGenerator
    ) -> Verdict {
        guard let contact = claim.contact, contact.hasWay(channel) else {
            return (.skipped(reason: "there is no contact any more"), .ignored)
        }
        guard claim.age < configuration.policy.maximumAge else {
            return (.dead(reason: "it was too old before it could be sent"), .ignored)
        }
        guard claim.number <= Sender.mostTries else {
            return (.dead(reason: "the process ended \(Sender.mostTries) times while it had it"), .ignored)
        }
        let letter: Letter
        do throws(Template.Mistake) {
            letter = Letter(
                contact: contact,
                message: try configuration.templates.message(
                    for: claim.event, contact.language, channel, offset: configuration.offset),
                key: "\(claim.event.id).\(channel.rawValue)", event: claim.event)
        } catch {
            return (.dead(reason: error.words), .ignored)
        }
        // A process that was paused until its claim had ended: another may have sent it.
        guard .now() < end - .seconds(1) else {
            return (.dueAgain(after: .zero, reason: "the claim had ended", counts: false), .ignored)
        }
        let outcome = carrier.deliver(letter)
        let step = configuration.policy.step(
            after: outcome, failed: claim.failures, age: claim.age, random: random.next())
        tell(claim, outcome, step)
        return (step.ending, outcome.verdict)
    }

    /// What happened outside cannot be undone, so it is stored as soon as the ledger can be had.
    private func keepTrying(
        _ store: Store, _ claim: Store.Claim, _ ending: Store.Ending
    ) throws(LedgerError) {
        while true {
            do throws(LedgerError) {
                if try !store.end(claim, channel, ending) {
                    logger.warning(
                        "Another process has claimed this message since, so it may have been sent twice",
                        metadata: ["event": "\(claim.event.id)", "channel": "\(channel.rawValue)"])
                }
                return
            } catch {
                guard !shared.isStopping else { throw error }
                logger.error(
                    "The outcome of a message is not stored yet", metadata: ["error": "\(error.message)"])
                shared.sleep(.milliseconds(200))
            }
        }
    }

    // MARK: Telling

    private func tell(_ claim: Store.Claim, _ outcome: DeliveryOutcome, _ step: DeliveryPolicy.Step) {
        var metadata: Logger.Metadata = [
            "event": "\(claim.event.id)", "channel": "\(channel.rawValue)", "try": "\(claim.number)",
            "occasion": "\(claim.event.occasion.rawValue)",
        ]
        switch step {
        case .done: logger.debug("Sent", metadata: metadata)
        case .again(let after, let reason, _):
            metadata["reason"] = "\(reason)"
            metadata["ms"] = "\(after.milliseconds)"
            logger.info("Not sent; it will be tried again", metadata: metadata)
        case .deadLetter(let reason):
            metadata["reason"] = "\(reason)"
            logger.error(
                "Not sent, and not tried again: see `stampede notify dead-letters list`", metadata: metadata)
        }
    }

    private func tellOfBreaker() {
        for event in breaker.state.withLock({ $0.takeEvents() }) {
            logger.notice(
                "The breaker of a channel changed",
                metadata: ["channel": "\(channel.rawValue)", "change": "\(event.change)"])
        }
    }
}

extension Contact {
    fileprivate func hasWay(_ channel: Channel) -> Bool {
        switch channel {
        case .mail: mail != nil
        case .sms: phone != nil
        }
    }
}

extension DeliveryPolicy.Step {
    fileprivate var ending: Store.Ending {
        switch self {
        case .done(let reference): .sent(reference: reference)
        case .again(let after, let reason, let counts):
            .dueAgain(after: after, reason: reason, counts: counts)
        case .deadLetter(let reason): .dead(reason: reason)
        }
    }
}

extension DeliveryOutcome {
    fileprivate var verdict: CircuitBreaker.Outcome {
        switch self {
        case .taken, .refused, .refusedForNow: .success
        case .busy, .unknown: .failure
        case .unreachable: .unreachable
        }
    }
}
