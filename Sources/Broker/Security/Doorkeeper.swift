import Glibc
public import Logging
import Wire
public import ZeroMQ

/// Decides who may connect to a broker by TCP: has its key, keeps the allow-list, and answers libzmq's
/// questions on the broker's own loop.
///
/// It must exist before anything is bound: a CURVE listener without a handler would let everybody in. A context
/// has room for one.
public final class Doorkeeper {
    /// The broker's own key pair.
    let pair: CurveKeyPair
    private let path: String
    private let socket: Socket
    private let loop: EventLoop
    private let logger: Logger
    private(set) var table: KeyTable
    /// The file as it was when it was last read, whether it could be read or not.
    private var known: FileState
    /// The file as it was when it was last looked at.
    private var seen: FileState
    private var refusals = Refusals()
    private var timer: EventLoop.TimerID?
    private var source: EventLoop.SourceID?

    /// Between two looks at the file.
    private static let checkInterval = TimeAmount.milliseconds(500)
    /// Questions answered before the broker's other sockets get their turn.
    private static let drainLimit = 64

    /// Reads the list and begins to answer.
    ///
    /// - Parameter allowList: the path of the file. It is read again when it changes.
    public init(
        key: CurveKeyPair, allowList path: String, context: Context, loop: EventLoop, logger: Logger
    ) throws(SecurityError) {
        pair = key
        self.path = path
        self.loop = loop
        self.logger = logger
        let state = FileState(path)
        (known, seen) = (state, state)
        var generator = SystemRandomNumberGenerator()
        table = KeyTable(try AllowList.load(path), random: generator.next())
        do throws(ZeroMQError) {
            let socket = try Socket(.router, in: context)
            try socket.bind(ZAPRequest.endpoint)
            self.socket = socket
        } catch {
            throw SecurityError("the broker cannot check keys: \(error)")
        }
        source = loop.watch(socket) { [unowned self] in answer() }
        timer = loop.schedule(every: Self.checkInterval) { [unowned self] in
            look()
            tellRefusals()
        }
    }

    deinit {
        if let source { loop.remove(source) }
        if let timer { loop.cancel(timer) }
    }

    /// The roles of a message's sender; nil when it came through a listener that asks for no key.
    func roles(of message: inout Message) -> Roles? {
        message.withUserID { userID in
            guard let userID else { return nil }
            return table.roles(of: userID)
        }
    }

    // MARK: Questions

    private func answer() {
        for _ in 0..<Self.drainLimit {
            guard let parts = socket.receiveParts(atMost: ZAPRequest.frames) else { return }
            // Only libzmq's own threads can ask here, and they ask well.
            guard let request = ZAPRequest(parts: parts) else { continue }
            let port = Port(rawValue: request.domain)
            let userID = port.flatMap { port in request.key.flatMap { table.userID(of: $0, at: port) } }
            if userID == nil { refusals.add(request) }
            // A connection that is gone by now needs no answer.
            _ = socket.send(parts: request.answer(userID: userID))
        }
        loop.continueSoon()
    }

    /// Strangers that knock, summed up: a line for each would let them fill the disk.
    private struct Refusals {
        var count = 0
        var last: ZAPRequest?

        mutating func add(_ request: ZAPRequest) {
            count += 1
            last = request
        }
    }

    /// The strangers so far were our own.
    func forgetRefusals() { refusals = Refusals() }

    private func tellRefusals() {
        guard let last = refusals.last else { return }
        logger.warning(
            "Turned away keys that are not on the allow-list for that port",
            metadata: [
                "count": "\(refusals.count)", "address": "\(last.address)", "port": "\(last.domain)",
                "key": "\(last.key.map(String.init(describing:)) ?? "none")",
            ])
        refusals = Refusals()
    }

    // MARK: The list

    /// Reads the list again now. A list with mistakes changes nothing.
    public func reload() {
        known = FileState(path)
        do {
            let list = try AllowList.load(path)
            table.replace(with: list)
            logger.info("The allow-list is in force", metadata: ["keys": "\(list.entries.count)"])
        } catch {
            logger.error("The allow-list stays as it was", metadata: ["error": "\(error)"])
        }
    }

    private func look() {
        let state = FileState(path)
        defer { seen = state }
        // Once it has not changed for a while: it may be half written.
        guard state != known, state == seen else { return }
        reload()
    }

    /// What tells that a file has changed.
    private struct FileState: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size: Int64 = -1
        var seconds = 0
        var nanoseconds = 0

        /// Of a missing file: like no other.
        init(_ path: String) {
            var information = stat()
            guard unsafe stat(path, &information) == 0 else { return }
            device = UInt64(information.st_dev)
            inode = UInt64(information.st_ino)
            size = Int64(information.st_size)
            seconds = information.st_mtim.tv_sec
            nanoseconds = information.st_mtim.tv_nsec
        }
    }
}
