import Glibc
import Synchronization

/// The relay's thread.
final class RelayLoop {
    private let hub: RelayHub
    private var listeners: [RelayHub.Listener] = []
    private var connections: [RelayConnection] = []

    init(_ hub: RelayHub) { self.hub = hub }

    func run() {
        while true {
            let (modes, resets, isStopped) = hub.state.withLock { state in
                listeners += state.fresh
                state.fresh = []
                state.seen = state.orders
                defer { state.resets = [] }
                return (state.modes, state.resets, state.isStopped)
            }
            if isStopped { break }
            for connection in connections where resets.contains(connection.name) {
                connection.end()
                note(connection.name, 1)
            }
            turn(modes)
            connections.removeAll(where: \.isOver)
        }
        for connection in connections { connection.end() }
        for listener in listeners { close(listener.descriptor) }
    }

    /// Orders are looked at this often, in milliseconds.
    private static let period: Int32 = 2

    private func turn(_ modes: [RelayHub.LinkName: RelayHub.Mode]) {
        let now = RelayConnection.now
        var polled = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        for connection in connections {
            connection.mode = modes[connection.name] ?? .open
            polled.append(connection.clientWishes(now))
            polled.append(connection.serverWishes(now))
        }
        guard poll(&polled, nfds_t(polled.count), RelayLoop.period) >= 0 else { return }
        for (index, connection) in connections.enumerated() {
            let place = listeners.count + 2 * index
            connection.turn(polled[place].revents, polled[place + 1].revents, RelayConnection.now)
            if connection.felt > 0 {
                note(connection.name, connection.felt)
                connection.felt = 0
            }
        }
        for (index, listener) in listeners.enumerated() where polled[index].revents != 0 { admit(listener) }
    }

    private func admit(_ listener: RelayHub.Listener) {
        let client = accept(listener.descriptor, nil, nil)
        guard client >= 0 else { return }
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        // Nobody listens behind us: the caller shall see what it would see there.
        guard let server = RelaySocket.connect(listener.target) else {
            close(client)
            return
        }
        connections.append(RelayConnection(listener.name, client: client, server: server))
        hub.state.withLock { $0.connections[listener.name, default: 0] += 1 }
    }

    private func note(_ name: RelayHub.LinkName, _ count: Int) {
        hub.state.withLock { $0.felt[name, default: 0] += count }
    }
}

/// One connection through the relay.
final class RelayConnection {
    let name: RelayHub.LinkName
    var mode = RelayHub.Mode.open
    /// Bytes held up since the loop last asked.
    var felt = 0
    private(set) var isOver = false
    private let client: Int32
    private let server: Int32
    private var requests = Pipe()
    private var answers = Pipe()

    /// Bytes on their way in one direction.
    private struct Pipe {
        var chunks: [(time: Int64, bytes: ArraySlice<UInt8>)] = []
        var size = 0
        /// The writer has closed its side.
        var isAtEnd = false
        /// Beyond this the writer waits.
        static let limit = 1 << 20

        mutating func takeDue(_ now: Int64, delay: Int64) -> ArraySlice<UInt8>? {
            guard let first = chunks.first, first.time + delay <= now else { return nil }
            return first.bytes
        }

        mutating func drop(_ count: Int) {
            size -= count
            chunks[0].bytes = chunks[0].bytes.dropFirst(count)
            if chunks[0].bytes.isEmpty { chunks.removeFirst() }
        }
    }

    init(_ name: RelayHub.LinkName, client: Int32, server: Int32) {
        self.name = name
        self.client = client
        self.server = server
    }

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    func end() {
        guard !isOver else { return }
        isOver = true
        close(client)
        close(server)
    }

    func clientWishes(_ now: Int64) -> pollfd {
        wishes(client, reads: requests, writes: &answers, mode.stopsAnswers, now)
    }
    func serverWishes(_ now: Int64) -> pollfd {
        wishes(server, reads: answers, writes: &requests, mode.stopsRequests, now)
    }

    private func wishes(
        _ descriptor: Int32, reads: Pipe, writes: inout Pipe, _ isStopped: Bool, _ now: Int64
    ) -> pollfd {
        var events: Int16 = 0
        if reads.size < Pipe.limit, !reads.isAtEnd { events |= Int16(POLLIN) }
        if !isStopped, writes.takeDue(now, delay: mode.delay) != nil { events |= Int16(POLLOUT) }
        // Without a wish, a peer's end would wake us again and again.
        return pollfd(fd: events == 0 ? -1 : descriptor, events: events, revents: 0)
    }

    private static let readable = Int16(POLLIN) | Int16(POLLHUP) | Int16(POLLERR)

    func turn(_ clientEvents: Int16, _ serverEvents: Int16, _ now: Int64) {
        guard !isOver else { return }
        if clientEvents & Self.readable != 0 { read(client, into: &requests, mode.stopsRequests, now) }
        if serverEvents & Self.readable != 0 { read(server, into: &answers, mode.stopsAnswers, now) }
        if !mode.stopsRequests { write(&requests, to: server, now) }
        if !mode.stopsAnswers { write(&answers, to: client, now) }
        // A side that went away is told of when all that it sent has passed.
        if requests.isAtEnd, requests.chunks.isEmpty, !mode.stopsRequests { return end() }
        if answers.isAtEnd, answers.chunks.isEmpty, !mode.stopsAnswers { return end() }
    }

    private func read(_ descriptor: Int32, into pipe: inout Pipe, _ isStopped: Bool, _ now: Int64) {
        guard pipe.size < Pipe.limit, !pipe.isAtEnd else { return }
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            let got = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) { pipe.isAtEnd = true }
            count = max(0, got)
        }
        guard !bytes.isEmpty else { return }
        if isStopped || mode.delay > 0 { felt += bytes.count }
        pipe.chunks.append((now, bytes[...]))
        pipe.size += bytes.count
    }

    private func write(_ pipe: inout Pipe, to descriptor: Int32, _ now: Int64) {
        while let bytes = pipe.takeDue(now, delay: mode.delay) {
            let sent = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0 {
                // Whoever does not listen any more will be seen as closed when read from.
                if errno != EAGAIN, errno != EINTR { return end() }
                return
            }
            pipe.drop(sent)
        }
    }
}
