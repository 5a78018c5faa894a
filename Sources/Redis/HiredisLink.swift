import CHiredis
import Glibc
import Wire
import ZeroMQ

/// One connection of hiredis' asynchronous API, from connecting to its end, on our event loop.
///
/// hiredis frees its context by itself when a connection fails, and calls the `cleanup` hook whichever way
/// that happens; so that hook, and nothing else, is where a link ends. hiredis' command timeout is not used:
/// it severs the connection and fails every command queued on it.
final class HiredisLink {
    /// Why the link is being closed by us; nil while hiredis has to say why it ended.
    private var closingError: RedisError?
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private let loop: EventLoop
    private var source: EventLoop.SourceID?
    private var interest: EventLoop.Readiness = []
    private let onConnect: () -> Void
    private let onEnd: (RedisError) -> Void

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - onConnect: Called once the socket is connected. Must not close the link.
    ///   - onEnd: Called once, after the completions of all commands; not when this initializer throws.
    /// - Throws: `notConnected` when the operating system refuses at once.
    init(
        to endpoint: RedisAddress.Endpoint, loop: EventLoop, onConnect: @escaping () -> Void,
        onEnd: @escaping (RedisError) -> Void
    ) throws(RedisError) {
        // hiredis 0.14 writes with write(2), which raises SIGPIPE when the server is gone; the error that the
        // call returns says it all.
        _ = Self.ignoreBrokenPipes
        self.loop = loop
        self.onConnect = onConnect
        self.onEnd = onEnd
        let context =
            switch endpoint {
            case .tcp(let host, let port): redisAsyncConnect(host, Int32(port))
            case .unix(let path): redisAsyncConnectUnix(path)
            }
        guard let context else { throw RedisError(.notConnected, "hiredis has no memory for a connection.") }
        guard context.pointee.err == 0 else {
            let error = RedisError(.notConnected, Self.message(of: context))
            redisAsyncFree(context)
            throw error
        }
        self.context = context
        // hiredis 0.14 leaves its sockets to child processes, which would keep them open after us.
        _ = fcntl(context.pointee.c.fd, F_SETFD, FD_CLOEXEC)
        if case .tcp = endpoint { Self.noticeSilence(of: context) }
        attach(context)
    }

    // MARK: Commands

    /// Queues an encoded command.
    ///
    /// - Parameter completion: Called once: with the answer, or with nil when the link ends first. It is not
    ///   called when this returns false.
    func send(_ command: [UInt8], _ completion: @escaping (RedisReply?) -> Void) -> Bool {
        guard let context else { return false }
        // Taken back by `onReply`, which hiredis calls exactly once for every command it has accepted.
        let pending = Unmanaged.passRetained(Pending(completion))
        let result = command.withUnsafeBytes {
            redisAsyncFormattedCommand(
                context, Self.onReply, pending.toOpaque(),
                $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                $0.count)
        }
        guard result == REDIS_OK else {
            pending.release()
            return false
        }
        return true
    }

    /// Writes what the socket takes at once, then ends the link. Within a completion hiredis puts the end off
    /// until that has returned.
    func close(_ error: RedisError) {
        guard let context else { return }
        closingError = error
        let flags = context.pointee.c.flags
        if flags & REDIS_CONNECTED != 0, flags & (REDIS_IN_CALLBACK | REDIS_FREEING) == 0 {
            redisAsyncHandleWrite(context)
        }
        // The write may have failed, and then hiredis has freed the context already.
        if let context = self.context { redisAsyncFree(context) }
    }

    private final class Pending {
        let completion: (RedisReply?) -> Void
        init(_ completion: @escaping (RedisReply?) -> Void) { self.completion = completion }
    }

    private static let onReply:
        @convention(c) (
            UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
        ) -> Void = { _, reply, pending in
            let pending = Unmanaged<Pending>.fromOpaque(pending!).takeRetainedValue()
            let reply = reply?.assumingMemoryBound(to: redisReply.self)
            pending.completion(reply.map { RedisReply(copying: $0.pointee) })
        }

    // MARK: Event loop

    private func attach(_ context: UnsafeMutablePointer<redisAsyncContext>) {
        // Taken back by the `cleanup` hook.
        let link = Unmanaged.passRetained(self).toOpaque()
        context.pointee.data = link
        context.pointee.ev.data = link
        context.pointee.ev.addRead = { HiredisLink.from($0).want(.readable, true) }
        context.pointee.ev.delRead = { HiredisLink.from($0).want(.readable, false) }
        context.pointee.ev.addWrite = { HiredisLink.from($0).want(.writable, true) }
        context.pointee.ev.delWrite = { HiredisLink.from($0).want(.writable, false) }
        context.pointee.ev.cleanup = { Unmanaged<HiredisLink>.fromOpaque($0!).takeRetainedValue().end() }
        source = loop.watch(descriptor: context.pointee.c.fd, for: []) { [self] in handle($0) }
        redisAsyncSetConnectCallback(context) { context, status in
            // A failure is told by the hook that follows.
            if status == REDIS_OK { HiredisLink.from(context!.pointee.data).onConnect() }
        }
    }

    private static func from(_ pointer: UnsafeMutableRawPointer?) -> HiredisLink {
        Unmanaged<HiredisLink>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func want(_ readiness: EventLoop.Readiness, _ isWanted: Bool) {
        let old = interest
        if isWanted { interest.insert(readiness) } else { interest.remove(readiness) }
        if interest != old, let source { loop.update(source, for: interest) }
    }

    private func handle(_ readiness: EventLoop.Readiness) {
        // Each call may free the context, which clears our pointer. A failure shows up as soon as hiredis
        // reads; before the connection stands, as soon as it looks at the socket's error.
        if let context, readiness.contains(.writable) { redisAsyncHandleWrite(context) }
        if let context, readiness.contains(.readable) || readiness.contains(.failed) {
            redisAsyncHandleRead(context)
        }
    }

    /// hiredis frees the context when this returns.
    private func end() {
        guard let context else { preconditionFailure("a link ended twice") }
        let error = closingError ?? RedisError(.connectionLost, Self.message(of: context))
        self.context = nil
        if let source { loop.remove(source) }
        onEnd(error)
    }

    // MARK: Socket

    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    /// A peer that vanished without a word (no RST) is given up after this many milliseconds without an
    /// acknowledgement. A server that is only paused still acknowledges: its kernel does.
    private static let silenceLimit: Int32 = 5_000

    private static func noticeSilence(of context: UnsafeMutablePointer<redisAsyncContext>) {
        var limit = silenceLimit
        // Neither can fail on a TCP socket, and neither is needed for correctness.
        setsockopt(
            context.pointee.c.fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit,
            socklen_t(MemoryLayout<Int32>.size))
        redisEnableKeepAlive(&context.pointee.c)
    }

    private static func message(of context: UnsafeMutablePointer<redisAsyncContext>) -> String {
        guard context.pointee.err != 0, let text = context.pointee.errstr else {
            return "the connection ended"
        }
        return String(cString: text)
    }
}
