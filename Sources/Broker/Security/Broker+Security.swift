import Wire
public import ZeroMQ

extension Broker {
    /// Tries every door with a key that nobody knows. A broker with keys does not start without it.
    ///
    /// - Throws: when a listener lets the stranger in, or does not show that it turns strangers away.
    public func selfTest() throws(SecurityError) {
        guard let doorkeeper else { return }
        for endpoint in clientEndpoints + workerEndpoints where Broker.asksForKeys(endpoint) {
            let outcome: ListenerProbe.Outcome
            do throws(ZeroMQError) {
                outcome = try ListenerProbe.run(
                    endpoint, server: doorkeeper.pair.publicKey, context: context, loop: loop)
            } catch {
                throw SecurityError("the self-test cannot connect to \(endpoint): \(error)")
            }
            switch outcome {
            case .refused: continue
            case .letIn:
                throw SecurityError(
                    "\(endpoint) let in a key that nobody knows: do not use it, and report this with the version "
                        + "of libzmq")
            case .unclear:
                throw SecurityError(
                    "\(endpoint) did not show within 10 s that it turns strangers away: start the broker again, "
                        + "on a less busy machine")
            }
        }
        doorkeeper.forgetRefusals()
        isTested = true
    }

    /// True for endpoints that are not files of this machine.
    static func asksForKeys(_ endpoint: String) -> Bool { !endpoint.hasPrefix("ipc://") }

    /// Binds a port's endpoints, and returns them as bound, in their order.
    static func bind(
        _ endpoints: [String], as port: Port, _ socket: borrowing Socket, _ doorkeeper: Doorkeeper?
    ) throws(ZeroMQError) -> [String] {
        var bound = endpoints
        // Those that ask for keys last: libzmq takes the order to ask, but not back.
        for index in endpoints.indices where !asksForKeys(endpoints[index]) {
            bound[index] = try socket.bind(endpoints[index])
        }
        if let doorkeeper { try socket.secure(.curveServer(doorkeeper.pair, domain: port.rawValue)) }
        for index in endpoints.indices where asksForKeys(endpoints[index]) {
            bound[index] = try socket.bind(endpoints[index])
        }
        return bound
    }

    /// Whether a message may reach the core. If not, its sender is told why.
    ///
    /// Asked for every message, not once per session: names of connections are used again, and lists change.
    func permits(_ header: Header, of peer: PeerIdentity, at port: Port) -> Bool {
        let roles = doorkeeper?.roles(of: &message) ?? port.localRoles
        guard let reason = port.objection(to: header, from: roles) else { return true }
        refuse(header, of: peer, at: port, reason)
        return false
    }

    private func refuse(_ header: Header, of peer: PeerIdentity, at port: Port, _ reason: Reason) {
        let now = loop.now
        let verdict = Verdict(
            status: reason == .keyRefused ? .unauthenticated : .permissionDenied, certainty: .notExecuted,
            reason: reason)
        if reason == .keyRefused, port == .workers { core.dismiss(peer, now) }
        // Through the core's table, which bounds what is sent to who does not read it.
        guard let client = core.client(peer, isWorker: port == .workers, now) else {
            return turnAway(peer, header, verdict, at: port)
        }
        guard !core.clients[Int(client)]!.isMuted else { return }
        if header.kind == .call, header.callID != 0 { core.refuse(client, header.callID, verdict) }
        guard reason == .keyRefused else { return }
        perform()
        // Its key has left the list. It may come again, and will be asked then.
        outgoing = Message(header: Header(.goAway), body: MessagePackWriter())
        send(&outgoing, to: client)
    }
}

extension BrokerCore {
    /// Ends a worker's session, if the peer has one, because it has lost the right to it.
    mutating func dismiss(_ peer: PeerIdentity, _ now: MonotonicTime) {
        if let worker = workerIndex[peer] { workerLost(worker, now) }
    }
}
