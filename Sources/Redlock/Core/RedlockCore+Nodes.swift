package import Redis
import Resilience
package import Wire

extension RedlockCore {
    /// How often the nodes are looked at: whether they still are what they were, and what their clocks show.
    package static let lookInterval = TimeAmount.seconds(1)
    /// How often a node whose breaker is not closed is looked at: the look is the breaker's probe.
    package static let probeInterval = TimeAmount.milliseconds(100)

    // MARK: Connections

    /// A node is connected, and has said who it is.
    package mutating func connected(_ node: Int, _ info: ServerInfo, _ now: MonotonicTime) {
        nodes[node].health.connected(info, twin: twin(of: node, running: info.runID), at: now)
        nodes[node].refusal = nil
        lookAt(node, now)
        for claim in nodes[node].owed.takeAll(at: now) { release(claim, on: node, now) }
        nextInspection = min(nextInspection, now + Self.lookInterval)
        nextLook = min(nextLook, nextInspection)
    }

    /// A node's connection is lost. Its outstanding commands were `replied` as `lost` before.
    package mutating func lost(_ node: Int, _ now: MonotonicTime) {
        nodes[node].health.disconnected(at: now)
    }

    /// A connected node has said again what it is; nil when it has not.
    package mutating func inspected(_ node: Int, _ info: ServerInfo?, _ now: MonotonicTime) {
        guard let info, nodes[node].health.connectedRunID != nil else { return }
        nodes[node].health.inspected(info, twin: twin(of: node, running: info.runID))
    }

    // MARK: Looking after them

    mutating func lookAtNodes(_ now: MonotonicTime) {
        let isInspection = now >= nextInspection
        // Who was paused himself has not heard what the nodes may have said meanwhile.
        let isOnTime = now - nextLook < Self.lookInterval / 4
        for node in nodes.indices {
            if isOnTime { nodes[node].judgeSilence(now, patience: configuration.ttl) }
            tendBreaker(node, now)
            guard nodes[node].canBeLookedAt else { continue }
            if isInspection || !nodes[node].breaker.isClosed { lookAt(node, now) }
            if isInspection { effects.append(.inspect(node)) }
        }
        if isInspection { nextInspection = now + Self.lookInterval }
        let isProbing = nodes.contains { !$0.breaker.isClosed }
        nextLook = isProbing ? min(nextInspection, now + Self.probeInterval) : nextInspection
    }

    private mutating func lookAt(_ node: Int, _ now: MonotonicTime) {
        let nothing = Claim(key: "", token: LeaseToken(rawValue: 0), ttl: .zero)
        send(.look, nothing, 0, to: node, now)
    }

    mutating func tendBreaker(_ node: Int, _ now: MonotonicTime) {
        for event in nodes[node].tendBreaker(now) {
            note(.breaker(event.change), node)
            if !nodes[node].breaker.isClosed { nextLook = min(nextLook, now + Self.probeInterval) }
        }
    }

    mutating func note(_ event: NodeEvent, _ node: Int) { effects.append(.note(event, of: node)) }

    private func twin(of node: Int, running runID: String) -> RedisAddress? {
        nodes.indices.first { $0 != node && nodes[$0].health.connectedRunID == runID }
            .map { nodes[$0].address }
    }

    func standing(_ node: Int, _ now: MonotonicTime) -> NodeHealth.Standing {
        nodes[node].health.standing(at: now, quarantine: isQuarantineOn)
    }

    // MARK: For people

    private func absence(_ node: Int, _ now: MonotonicTime) -> NodeStatus.Absence? {
        switch standing(node, now) {
        case .quarantined: .quarantined
        case .suspended: .suspended
        case .fit: nodes[node].isSilent(now, patience: configuration.ttl) ? .silent : nil
        case .absent, .refused: nil
        }
    }

    /// What is known about each node, in the order of the initializer.
    ///
    /// - Parameter lastErrors: Why each connection failed last, where the shell knows.
    package func status(lastErrors: [String?] = [], _ now: MonotonicTime) -> [NodeStatus] {
        nodes.indices.map { index in
            let node = nodes[index]
            let standing = standing(index, now)
            let refusal: String? = if case .refused(let reason) = standing { reason } else { nil }
            let lastError = lastErrors.indices.contains(index) ? lastErrors[index] : nil
            return NodeStatus(
                address: node.address, isConnected: standing != .absent,
                absence: absence(index, now), breaker: node.breaker.stateName, refusal: refusal,
                lastError: lastError ?? node.refusal, votes: node.votes)
        }
    }

    /// How long it takes at least until a quorum of nodes can be asked for a lease; nil when it can now. A node that
    /// is not connected, or refused, may be back at any time: it is taken to need a quarter of a second.
    package mutating func waitForQuorum(_ now: MonotonicTime) -> TimeAmount? {
        if candidates(now).count >= quorum { return nil }
        let waits = nodes.indices.map { node -> TimeAmount in
            switch standing(node, now) {
            case .absent, .refused: .milliseconds(250)
            case .quarantined(let end), .suspended(let end): end - now
            case .fit: nodes[node].breaker.refusal(now) ?? .zero
            }
        }
        return max(.milliseconds(10), waits.sorted()[quorum - 1])
    }
}
