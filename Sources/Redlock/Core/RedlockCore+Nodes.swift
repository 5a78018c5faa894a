package import Redis
package import Wire

extension RedlockCore {
    /// How often the nodes are looked at: whether they still are what they were, and what their clocks show.
    package static let lookInterval = TimeAmount.seconds(1)

    // MARK: Connections

    /// A node is connected, and has said who it is.
    package mutating func connected(_ node: Int, _ info: ServerInfo, _ now: MonotonicTime) {
        nodes[node].health.connected(info, twin: twin(of: node, running: info.runID), at: now)
        nodes[node].refusal = nil
        lookAt(node, now)
        for claim in nodes[node].owed.takeAll(at: now) { release(claim, on: node, now) }
        nextLook = min(nextLook, now + Self.lookInterval)
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
        for node in nodes.indices where nodes[node].canBeLookedAt {
            lookAt(node, now)
            effects.append(.inspect(node))
        }
        nextLook = now + Self.lookInterval
    }

    private mutating func lookAt(_ node: Int, _ now: MonotonicTime) {
        let nothing = Claim(key: "", token: LeaseToken(rawValue: 0), ttl: .zero)
        send(.look, nothing, 0, to: node, now)
    }

    private func twin(of node: Int, running runID: String) -> RedisAddress? {
        nodes.indices.first { $0 != node && nodes[$0].health.connectedRunID == runID }
            .map { nodes[$0].address }
    }

    func standing(_ node: Int, _ now: MonotonicTime) -> NodeHealth.Standing {
        nodes[node].health.standing(at: now, quarantine: isQuarantineOn)
    }

    // MARK: For people

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
                isQuarantined: standing == .quarantined, refusal: refusal,
                lastError: lastError ?? node.refusal, votes: node.votes)
        }
    }
}
