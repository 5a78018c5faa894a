import PlantedBugs
import Redis
import Wire

/// Whether a node may vote, judged by what its server says about itself on every connection.
struct NodeHealth {
    enum Standing: Hashable {
        /// Not connected.
        case absent
        /// Connected, but never fit to vote as it is.
        case refused(String)
        /// May have forgotten leases that are still valid.
        case quarantined(until: MonotonicTime)
        /// Its clock was set, so its keys may have run out early.
        case suspended(until: MonotonicTime)
        case fit

        /// Until when a node that is otherwise fit is kept from voting.
        var end: MonotonicTime? {
            switch self {
            case .quarantined(let end), .suspended(let end): end
            case .absent, .refused, .fit: nil
            }
        }
    }

    /// What an answer has brought to light.
    enum Discovery: Hashable {
        case forgot
        case clockSet(by: TimeAmount)
    }

    private enum Link {
        case absent
        case connected(refusal: String?)
    }

    private let amnesia: TimeAmount
    /// For how long a grant may last on a node.
    private let longestGrant: TimeAmount
    private var link = Link.absent
    private var runID: String?
    private var lostAt = MonotonicTime.distantPast
    private var quarantineEnd = MonotonicTime.distantPast
    /// The node's memory as it last told, and when that was.
    private var memory: (value: Int64, seenAt: MonotonicTime)?
    private var clock = ClockWatch()
    private var suspensionEnd = MonotonicTime.distantPast

    init(longestTTL: TimeAmount) {
        amnesia = Validity.amnesia(longestTTL: longestTTL)
        longestGrant = longestTTL + Validity.drift(of: longestTTL)
    }

    /// Takes what the server said on a new connection.
    ///
    /// - Parameter twin: Another configured node that is the same process. It must not vote twice.
    mutating func connected(_ info: ServerInfo, twin: RedisAddress?, at now: MonotonicTime) {
        link = .connected(refusal: Self.refusal(info, twin))
        guard info.runID != runID else { return }
        // Another machine may have another clock.
        clock = ClockWatch()
        // A process that we know nothing of has forgotten what its predecessor granted. If the address now
        // leads to another, older server, its predecessor may have granted leases until we lost it.
        quarantineEnd = max(now - info.uptime, lostAt) + amnesia
        runID = info.runID
    }

    /// Takes what the connected server says about itself later: it can be made a replica, or told to evict.
    mutating func inspected(_ info: ServerInfo, twin: RedisAddress?) {
        link = .connected(refusal: Self.refusal(info, twin))
    }

    /// Takes the clock and the memory that came with an answer.
    mutating func answered(_ answer: LockAnswer, to command: LockCommand, _ now: MonotonicTime) -> Discovery?
    {
        let step = clock.read(ClockWatch.Reading(clock: answer.clock, sent: command.sent, received: now))
        if step != nil { suspensionEnd = now + longestGrant }
        if remembered(answer, now) { return .forgot }
        return step.map { .clockSet(by: $0) }
    }

    /// Another memory than before means that the node has forgotten everything: it was flushed, or restored from a
    /// copy.
    private mutating func remembered(_ answer: LockAnswer, _ now: MonotonicTime) -> Bool {
        let last = memory
        memory = (answer.memory, now)
        guard answer.memory != last?.value else { return false }
        // By the node's own clock, which may have been set; but it was not flushed before we saw it last.
        let told = now - .microseconds(max(0, answer.clock - answer.memory))
        quarantineEnd = max(quarantineEnd, max(told, last?.seenAt ?? .distantPast) + longestGrant)
        return last != nil
    }

    mutating func disconnected(at now: MonotonicTime) {
        link = .absent
        lostAt = now
    }

    /// The process that is connected, if any.
    var connectedRunID: String? {
        if case .connected = link { runID } else { nil }
    }

    func standing(at now: MonotonicTime, quarantine: Bool) -> Standing {
        switch link {
        case .absent: .absent
        case .connected(let refusal?): .refused(refusal)
        case .connected(nil) where quarantine && now < quarantineEnd && !isPlanted(.noDelayedRestart):
            .quarantined(until: quarantineEnd)
        case .connected(nil) where now < suspensionEnd: .suspended(until: suspensionEnd)
        case .connected(nil): .fit
        }
    }

    private static func refusal(_ info: ServerInfo, _ twin: RedisAddress?) -> String? {
        if !info.isMaster { return "It is a replica, which decides nothing: configure independent masters." }
        if info.maxmemoryPolicy != "noeviction" {
            return "Its maxmemory-policy \(info.maxmemoryPolicy) may evict leases: set noeviction."
        }
        return twin.map {
            "It is the same server as \($0) and must not vote twice: configure different ones."
        }
    }
}
