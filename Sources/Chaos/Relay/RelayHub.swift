import Cluster
import Glibc
import Synchronization

/// Stands on every Unix socket between the parts of a cluster, and loses, delays or cuts what a fault wants.
///
/// One thread carries the bytes of all connections. A cut keeps bytes back rather than dropping them, as TCP
/// does through a partition: what was sent arrives when the cut is healed, or never if a side gave up.
final class RelayHub: Sendable {
    /// What happens to the connections of a link.
    struct Mode: Equatable, Sendable {
        /// Client to server.
        var stopsRequests = false
        /// Server to client.
        var stopsAnswers = false
        /// How long bytes are held, in microseconds, each way.
        var delay: Int64 = 0

        static let open = Mode()
    }

    struct LinkName: Hashable, Sendable {
        let from: String
        let to: String
    }

    /// What the thread shares with the harness.
    struct State {
        var modes: [LinkName: Mode] = [:]
        var resets: Set<LinkName> = []
        var fresh: [Listener] = []
        var connections: [LinkName: Int] = [:]
        /// Bytes that a cut kept back or a delay held, connections that a reset closed.
        var felt: [LinkName: Int] = [:]
        var isStopped = false
        /// How often something was ordered, and which order the thread has seen.
        var orders = 0
        var seen = 0
    }

    struct Listener: Sendable {
        let name: LinkName
        let descriptor: Int32
        let target: String
    }

    let state = Mutex(State())
    private let folder: String

    /// - Parameter folder: for the relays' sockets; made by the caller.
    init(folder: String) {
        self.folder = folder
        Blocking.thread { [self] in RelayLoop(self).run() }
    }

    /// The socket that stands for `socket` on the way from one process to another. The file's name is kept,
    /// as libpq wants its own.
    func detour(_ from: String, _ to: String, _ socket: String) -> String {
        let folder = "\(folder)/\(from)"
        mkdir(folder, 0o755)
        let path: String
        if to == "postgres" {
            mkdir("\(folder)/\(to)", 0o755)
            path = "\(folder)/\(to)/.s.PGSQL.5432"
        } else {
            path = "\(folder)/\(to).sock"
        }
        let name = LinkName(from: from, to: to)
        if let descriptor = RelaySocket.listen(path) {
            state.withLock { $0.fresh.append(Listener(name: name, descriptor: descriptor, target: socket)) }
        }
        return path
    }

    /// Links that have a connection or once had one.
    var links: [LinkName] { state.withLock { Array($0.connections.keys) } }

    /// When it returns, what is sent from now on is treated so.
    func set(_ mode: Mode, on names: [LinkName]) {
        order { state in
            for name in names {
                state.modes[name] = mode
                state.felt[name] = 0
            }
        }
    }

    /// Closes the connections of these links, both sides.
    func reset(_ names: [LinkName]) {
        order { state in
            for name in names {
                state.felt[name] = 0
                state.resets.insert(name)
            }
        }
    }

    /// Waits for the thread to see the order: 2 ms at most, unless it has ended.
    private func order(_ change: (inout State) -> Void) {
        let number = state.withLock { state in
            change(&state)
            state.orders += 1
            return state.orders
        }
        while state.withLock({ $0.seen < number && !$0.isStopped }) { usleep(200) }
    }

    /// How much of what passes was held up or closed since the last change.
    func felt(_ names: [LinkName]) -> Int {
        state.withLock { state in names.reduce(0) { $0 + (state.felt[$1] ?? 0) } }
    }

    /// Lets everything through again.
    func heal() { order { $0.modes = [:] } }

    func stop() { state.withLock { $0.isStopped = true } }
}

/// Unix sockets that never block.
enum RelaySocket {
    static func listen(_ path: String) -> Int32? {
        unlink(path)
        return make(path) {
            Glibc.bind($0, $1, $2) == 0 && Glibc.listen($0, 128) == 0 && chmod(path, 0o777) == 0
        }
    }

    static func connect(_ path: String) -> Int32? {
        make(path) { Glibc.connect($0, $1, $2) == 0 || errno == EINPROGRESS }
    }

    private static func make(
        _ path: String, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Int32? {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0, path.utf8.count < 108 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isUsed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(descriptor, $0, size) }
        }
        if isUsed { return descriptor }
        close(descriptor)
        return nil
    }
}
