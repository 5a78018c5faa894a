public import Redis
public import Resilience
public import Wire
public import ZeroMQ

/// Rates that many processes share, over one or more independent Redis nodes.
///
/// A call's claims live on the node that its first key hashes to: one round trip, and no quorum, because a rate that is
/// once too generous harms nobody. While that node does not answer each rule's fallback decides; a breaker per node keeps
/// callers from waiting for it. Not `Sendable`: it belongs to its loop's thread. See `SharedRateLimiter`.
public final class RedisRateLimiter {
    /// Waits longer than this for a node end with the fallback.
    public static let timeout = TimeAmount.milliseconds(50)

    private let loop: EventLoop
    private var nodes: [Node] = []
    /// For the shares of this process.
    private var local = RateLimiter()
    private var timer: EventLoop.TimerID?

    /// A question on its way.
    private struct Question {
        let claims: [RateClaim]
        let permit: CircuitBreaker.Permit
        let sent: MonotonicTime
        let completion: (RateDecision) -> Void
    }

    private final class Node {
        var connection: RedisConnection?
        var breaker: CircuitBreaker
        /// By number, in the order of the numbers. Bounded by the connection's own limit.
        var questions: [UInt64: Question] = [:]
        var oldest: UInt64 = 0
        var next: UInt64 = 0

        init(seed: UInt64) {
            var configuration = CircuitBreaker.Configuration()
            configuration.window = .seconds(1)
            configuration.slow = RedisRateLimiter.timeout
            configuration.overdue = RedisRateLimiter.timeout * 2
            configuration.openTime = .milliseconds(100)
            configuration.longestOpenTime = .seconds(1)
            configuration.probeTimeout = .milliseconds(100)
            configuration.ramp = .milliseconds(200)
            breaker = CircuitBreaker(configuration, seed: seed)
        }
    }

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - addresses: of the nodes, in the same order in every process: a key's home depends on it.
    ///   - random: for the times between tries to connect.
    public init(nodes addresses: [RedisAddress], loop: EventLoop, random: @escaping () -> UInt64) {
        precondition(!addresses.isEmpty, "rates that are shared need a node")
        self.loop = loop
        nodes = addresses.map { address in
            let node = Node(seed: random())
            node.connection = RedisConnection(to: address, loop: loop, random: random) { _ in }
            return node
        }
        timer = loop.schedule(every: Self.timeout / 5) { [weak self] in self?.giveUpOverdue() }
    }

    public func close() {
        if let timer { loop.cancel(timer) }
        timer = nil
        for node in nodes { node.connection?.close() }
    }

    /// Whether every node can be asked now.
    public var isReady: Bool { nodes.allSatisfy { $0.connection?.info != nil } }

    /// Decides about the claims of one call: all hold, or none takes anything.
    ///
    /// - Parameter completion: called once, from the loop; or before this returns, when no node is asked.
    public func decide(_ claims: [RateClaim], _ completion: @escaping (RateDecision) -> Void) {
        precondition(!claims.isEmpty, "a decision without a claim")
        let now = loop.now
        let node = nodes[Self.home(of: claims[0].key, among: nodes.count)]
        guard let connection = node.connection, case .admitted(let permit) = node.breaker.admit(now) else {
            return completion(fallBack(claims, now))
        }
        let number = node.next
        do throws(RedisError) {
            try connection.command(RateScript.command(claims)) { [weak self] result in
                self?.answered(number, on: node, result)
            }
        } catch {
            node.breaker.record(permit, error.code == .tooManyInFlight ? .failure : .unreachable, now)
            return completion(fallBack(claims, now))
        }
        node.next += 1
        node.questions[number] = Question(
            claims: claims, permit: permit, sent: now, completion: completion)
    }

    /// FNV-1a, scattered: the same in every process and version.
    static func home(of key: String, among count: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(SplitMix64.scatter(hash) % UInt64(count))
    }

    private func answered(_ number: UInt64, on node: Node, _ result: Result<RedisReply, RedisError>) {
        guard let question = node.questions.removeValue(forKey: number) else { return }
        let now = MonotonicTime.now()
        guard case .success(let reply) = result else {
            return end(question, on: node, .unreachable, now)
        }
        guard let decision = RateScript.decision(reply) else {
            return end(question, on: node, .failure, now)
        }
        node.breaker.record(question.permit, .success, now)
        question.completion(decision)
    }

    private func giveUpOverdue() {
        let now = loop.now
        for node in nodes {
            // In the order in which they were asked, so that looking stops at the first that is not late.
            while node.oldest < node.next {
                if let question = node.questions[node.oldest] {
                    guard now - question.sent > Self.timeout else { break }
                    node.questions[node.oldest] = nil
                    end(question, on: node, .failure, now)
                }
                node.oldest += 1
            }
        }
    }

    private func end(
        _ question: Question, on node: Node, _ outcome: CircuitBreaker.Outcome, _ now: MonotonicTime
    ) {
        node.breaker.record(question.permit, outcome, now)
        question.completion(fallBack(question.claims, now))
    }

    /// What the rules say for when nobody can be asked: all must let it pass.
    private func fallBack(_ claims: [RateClaim], _ now: MonotonicTime) -> RateDecision {
        var shares: [RateClaim] = []
        for claim in claims {
            switch claim.rule.fallback {
            case .allow: break
            case .refuse:
                return RateDecision(
                    isAllowed: false, remaining: 0, retryAfter: .milliseconds(500),
                    resetAfter: .milliseconds(500))
            case .share(let processes):
                let share = claim.rule.share(of: processes)
                shares.append(RateClaim(claim.key, share, cost: min(claim.cost, share.burst)))
            }
        }
        guard !shares.isEmpty else {
            return RateDecision(isAllowed: true, remaining: 0, retryAfter: .zero, resetAfter: .zero)
        }
        return local.decide(shares, now)
    }
}

@available(*, unavailable)
extension RedisRateLimiter: Sendable {}
