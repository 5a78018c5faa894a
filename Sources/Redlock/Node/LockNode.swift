import Redis
import Wire
import ZeroMQ

/// One Redis node: its connection, whether it may vote, and what it is owed.
final class LockNode {
    /// Votes are asked for only while fewer commands than this wait on the connection, so that there is
    /// always room for the release of everything that was asked for.
    static let voteLimit = RedisConnection.usualLimit / 2

    private(set) var health: NodeHealth
    var votes = NodeStatus.Votes()
    private var owed = OwedReleases()
    private var lastRefusal: String?
    private let ttl: TimeAmount
    private let findTwin: (_ runID: String, LockNode) -> RedisAddress?
    private var connection: RedisConnection!

    let address: RedisAddress

    init(
        _ address: RedisAddress, configuration: LockConfiguration, loop: EventLoop,
        random: @escaping () -> UInt64,
        findTwin: @escaping (_ runID: String, LockNode) -> RedisAddress?
    ) {
        self.address = address
        self.findTwin = findTwin
        ttl = configuration.ttl
        health = NodeHealth(longestTTL: configuration.longestTTL)
        connection = RedisConnection(to: address, loop: loop, random: random) { [unowned self] in note($0) }
    }

    func close() { connection.close() }

    /// Asks for a vote on a claim, or with `repair` gives the key without a vote.
    ///
    /// - Parameter completion: Called once with the vote, unless this returns false.
    /// - Returns: false when the node could not be asked, and so has not got the claim.
    func ask(
        _ script: LockScript, _ claim: Claim, at now: MonotonicTime, _ completion: @escaping (Vote) -> Void
    ) -> Bool {
        // A node that has answered nothing for a whole TTL is paused or cut off. What it is sent now would
        // only be done when it is of no use any more.
        let isStuck = connection.waitingSince.map { now - $0 > ttl } ?? false
        guard !isStuck, connection.inFlight < Self.voteLimit else { return false }
        do throws(RedisError) {
            try connection.command(script.command(key: claim.key, token: claim.token, ttl: ttl)) { [self] in
                completion(vote(script, $0))
            }
            return true
        } catch {
            return false
        }
    }

    /// Deletes the claim's key if it is still the claim's. If the node is away it is owed this.
    ///
    /// - Parameter completion: Called once, when the node has answered or will not.
    func release(_ claim: Claim, _ completion: @escaping () -> Void) {
        // Every command of the claim was sent before this on the same connection, so none can overtake it.
        let end = MonotonicTime.now() + ttl + Validity.drift(of: ttl)
        do throws(RedisError) {
            try connection.command(LockScript.release.command(key: claim.key, token: claim.token, ttl: ttl)) {
                [self] result in
                if case .failure = result { owed.add(claim, until: end, now: .now()) }
                completion()
            }
        } catch {
            owed.add(claim, until: end, now: .now())
            completion()
        }
    }

    func status(at now: MonotonicTime, quarantine: Bool) -> NodeStatus {
        let standing = health.standing(at: now, quarantine: quarantine)
        let refusal: String? = if case .refused(let reason) = standing { reason } else { nil }
        return NodeStatus(
            address: address, isConnected: standing != .absent, isQuarantined: standing == .quarantined,
            refusal: refusal, lastError: connection.lastError?.message ?? lastRefusal, votes: votes)
    }

    private func vote(_ script: LockScript, _ result: Result<RedisReply, RedisError>) -> Vote {
        guard case .success(let reply) = result else { return .failed }
        if case .error(let text) = reply { lastRefusal = "It answered: \(text)" }
        return script.vote(reply)
    }

    private func note(_ event: RedisConnection.Event) {
        switch event {
        case .ready(let info):
            health.connected(info, twin: findTwin(info.runID, self), at: .now())
            lastRefusal = nil
            for claim in owed.takeAll(at: .now()) { release(claim) {} }
        case .lost: health.disconnected(at: .now())
        }
    }
}
