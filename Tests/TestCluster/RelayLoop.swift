import Glibc
import Synchronization

/// The relay's thread: carries bytes, a message at a time, and obeys its orders.
final class RelayLoop {
    private let traffic: Relay.Traffic
    private let listener: Int32
    private let target: String
    private let relay: Relay
    private var links: [RelayLink] = []

    init(traffic: Relay.Traffic, listener: Int32, target: String, relay: Relay) {
        self.traffic = traffic
        self.listener = listener
        self.target = target
        self.relay = relay
    }

    func run() {
        while true {
            let orders = relay.orders.withLock { orders in
                defer {
                    orders.isCut = false
                    orders.isFreezing = false
                    orders.release = nil
                }
                return orders
            }
            if orders.isStopped { break }
            if orders.isCut { for link in links where !link.isStranded { link.end() } }
            if orders.isFreezing { for link in links { link.isFrozen = true } }
            if let commit = orders.release { for link in links { link.release(commit: commit) } }
            turn(isBlocked: orders.isBlocked)
            links.removeAll(where: \.isOver)
            let stranded = links.count(where: \.isStranded)
            relay.orders.withLock { $0.stranded = stranded }
        }
        for link in links { link.end() }
        close(listener)
    }

    private func turn(isBlocked: Bool) {
        let frozen = pollfd(fd: -1, events: 0, revents: 0)
        var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        for link in links {
            polled.append(link.isFrozen ? frozen : pollfd(fd: link.client, events: Int16(POLLIN), revents: 0))
            polled.append(link.isFrozen ? frozen : pollfd(fd: link.server, events: Int16(POLLIN), revents: 0))
        }
        guard poll(&polled, nfds_t(polled.count), 2) > 0 else { return }
        for (index, link) in links.enumerated() {
            if polled[2 * index + 1].revents != 0 { link.readClient() }
            if polled[2 * index + 2].revents != 0, !link.isOver { link.readServer() }
        }
        if polled[0].revents != 0 { admit(isBlocked) }
    }

    private func admit(_ isBlocked: Bool) {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        if !isBlocked, let server = try? UnixSocket.connect(to: target) {
            links.append(RelayLink(traffic, client: client, server: server, relay: relay))
        } else {
            close(client)
        }
    }
}

/// One connection through the relay. A closed side is -1, which poll(2) passes over.
private final class RelayLink {
    private enum Mode: Equatable {
        case open
        /// The transaction is on its way: replies are kept back until the server is ready again.
        case losingReply
        /// The transaction's end is kept back until the server has executed it.
        case stranding(cuts: Bool)
        /// The client is cut as soon as the transaction's end has passed.
        case abandoning
        /// The server has executed it, the client waits.
        case stalled
        /// The client is cut, the server waits.
        case stranded
    }

    private(set) var client: Int32
    private(set) var server: Int32
    var isFrozen = false
    private let relay: Relay
    private let traffic: Relay.Traffic
    private var mode = Mode.open
    private var fromClient: MessageSplitter
    private var fromServer = MessageSplitter(.postgresServer)
    /// Replies that a stalled client will get in the end.
    private var kept: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    private static let bind = UInt8(ascii: "B")
    private static let sync = UInt8(ascii: "S")
    private static let flush: [UInt8] = [UInt8(ascii: "H"), 0, 0, 0, 4]
    private static let commandComplete = UInt8(ascii: "C")
    private static let error = UInt8(ascii: "E")
    private static let readyForQuery = UInt8(ascii: "Z")

    init(_ traffic: Relay.Traffic, client: Int32, server: Int32, relay: Relay) {
        self.traffic = traffic
        self.client = client
        self.server = server
        self.relay = relay
        fromClient = MessageSplitter(traffic == .postgres ? .postgresClient : .zeroMQ)
    }

    var isOver: Bool { server < 0 }
    var isStranded: Bool { mode == .stranded && !isOver }

    func end() {
        endClient()
        if server >= 0 { close(server) }
        server = -1
    }

    private func endClient() {
        if client >= 0 { close(client) }
        client = -1
    }

    private func spring() {
        relay.orders.withLock { orders in
            orders.sprung += 1
            guard orders.blocksWhenSprung else { return }
            orders.isBlocked = true
            orders.isCut = true
        }
    }

    private var isStranding: Bool {
        if case .stranding = mode { true } else { false }
    }

    // MARK: From the client

    func readClient() {
        guard let bytes = receive(client) else { return isStranding ? endClient() : end() }
        fromClient.append(bytes)
        while client >= 0, let message = fromClient.next() { carry(message) }
    }

    private func carry(_ message: [UInt8]) {
        switch traffic {
        case .zeroMQ:
            if isBeat(message), isBeatLost() { return }
        case .postgres:
            if isCommit(message) {
                let trap = relay.orders.withLock { $0.trap.take() }
                switch trap {
                case .loseReply: mode = .losingReply
                case .strand: mode = .stranding(cuts: true)
                case .stall: mode = .stranding(cuts: false)
                case .abandon: mode = .abandoning
                case .loseRequest:
                    end()
                    return spring()
                case nil: break
                }
            }
            if isStranding, message[0] == RelayLink.sync { return send(RelayLink.flush, to: server) }
        }
        send(message, to: server)
        if mode == .abandoning, message[0] == RelayLink.sync {
            endClient()
            mode = .stranded
            spring()
        }
    }

    /// Bind: type, length, the portal's name, the statement's name. The portal has none.
    private func isCommit(_ message: [UInt8]) -> Bool {
        message.count > 13 && message[0] == RelayLink.bind
            && message[5...].starts(with: Array("\0commit\0".utf8))
    }

    private func isBeat(_ message: [UInt8]) -> Bool {
        guard message.count > 64, message[0] & 4 == 0 else { return false }
        let body = message.dropFirst(message[0] & 2 == 0 ? 2 : 9)
        // Magic, version, kind of a header: see PROTOCOL.md.
        return body.starts(with: [0x53, 1, 0x21])
    }

    private func isBeatLost() -> Bool {
        relay.orders.withLock { orders in
            if orders.isLosingBeats { orders.beatsLost += 1 }
            return orders.isLosingBeats
        }
    }

    // MARK: From the server

    func readServer() {
        guard let bytes = receive(server) else { return end() }
        guard traffic == .postgres else { return send(Array(bytes), to: client) }
        fromServer.append(bytes)
        while server >= 0, let message = fromServer.next() { carryBack(message) }
    }

    private func carryBack(_ message: [UInt8]) {
        switch mode {
        case .open, .abandoning:
            send(message, to: client)
        case .losingReply:
            guard message[0] == RelayLink.readyForQuery else { return }
            end()
            spring()
        case .stranding(let cuts):
            kept += message
            guard [RelayLink.commandComplete, RelayLink.error].contains(message[0]) else { return }
            if cuts { endClient() }
            mode = cuts ? .stranded : .stalled
            spring()
        case .stalled:
            send(message, to: client)
        case .stranded:
            if message[0] == RelayLink.readyForQuery { end() }
        }
    }

    func release(commit: Bool) {
        guard mode == .stranded || mode == .stalled else { return }
        guard commit else { return end() }
        if mode == .stalled {
            send(kept, to: client)
            mode = .open
        }
        send([RelayLink.sync, 0, 0, 0, 4], to: server)
    }

    // MARK: Bytes

    private func receive(_ descriptor: Int32) -> ArraySlice<UInt8>? {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? buffer[..<count] : nil
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) {
        guard descriptor >= 0 else { return }
        var offset = 0
        while offset < bytes.count {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
            }
            // Whoever is gone is noticed when it is read from.
            guard sent > 0 else { return }
            offset += sent
        }
    }
}
