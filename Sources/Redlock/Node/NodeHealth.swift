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
        case quarantined
        case fit
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
        // A process that we know nothing of has forgotten what its predecessor granted. If the address now
        // leads to another, older server, its predecessor may have granted leases until we lost it.
        quarantineEnd = max(now - info.uptime, lostAt) + amnesia
        runID = info.runID
    }

    /// Takes what the connected server says about itself later: it can be made a replica, or told to evict.
    mutating func inspected(_ info: ServerInfo, twin: RedisAddress?) {
        link = .connected(refusal: Self.refusal(info, twin))
    }

    /// Takes the memory that came with an answer. Another than before means that the node has forgotten
    /// everything: it was flushed, or restored from a copy.
    mutating func answered(_ answer: LockAnswer, _ now: MonotonicTime) {
        defer { memory = (answer.memory, now) }
        guard answer.memory != memory?.value else { return }
        // By the node's own clock, which may have been set; but it was not flushed before we saw it last.
        let told = now - .microseconds(max(0, answer.clock - answer.memory))
        quarantineEnd = max(quarantineEnd, max(told, memory?.seenAt ?? .distantPast) + longestGrant)
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
        case .connected(nil):
            quarantine && now < quarantineEnd && !isPlanted(.noDelayedRestart) ? .quarantined : .fit
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
