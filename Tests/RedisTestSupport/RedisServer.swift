import Glibc
public import Redis
import Wire
import ZeroMQ

/// A real `redis-server` in a temporary folder, with persistence off: what it knows dies with its process.
///
/// Stopped and cleaned up when the object ends.
public final class RedisServer {
    /// How the server is reached.
    public enum Transport: Sendable {
        case unixSocket
        /// A port of 127.0.0.1 that was free a moment ago.
        case tcp
    }

    /// What went wrong around the server, in words.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Where the server listens; stays the same over restarts.
    public let address: RedisAddress
    private let folder: String
    private let listening: [String]
    private let options: [String]
    private let environment: [String]
    private var process: pid_t?

    /// How long a test waits for a server on a loaded machine.
    private static let patience = TimeAmount.seconds(20)

    /// Starts a server and waits until it answers.
    ///
    /// - Parameters:
    ///   - options: More of its command line, for example `["--maxmemory-policy", "allkeys-lru"]`.
    ///   - environment: More of its environment, for example that of a `ShiftedClock`.
    public convenience init(
        _ transport: Transport = .unixSocket, options: [String] = [], environment: [String] = []
    ) throws {
        try self.init(spawning: transport, options: options, environment: environment)
        try waitUntilReady()
    }

    /// Starts several servers at the same time and waits until all answer.
    public static func start(
        count: Int, _ transport: Transport = .unixSocket, options: [String] = []
    ) throws -> [RedisServer] {
        let servers = try (0..<count).map { _ in try RedisServer(spawning: transport, options: options) }
        for server in servers { try server.waitUntilReady() }
        return servers
    }

    private init(spawning transport: Transport, options: [String], environment: [String] = []) throws {
        var template = Array("/tmp/redis-test-XXXXXX\0".utf8).map { CChar(bitPattern: $0) }
        guard mkdtemp(&template) != nil else { throw Failure(description: "mkdtemp: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch transport {
        case .unixSocket:
            address = try RedisAddress("unix:\(folder)/socket")
            listening = ["--port", "0", "--unixsocket", "\(folder)/socket"]
        case .tcp:
            let port = try Self.freePort()
            address = try RedisAddress("127.0.0.1:\(port)")
            listening = ["--bind", "127.0.0.1", "--port", "\(port)"]
        }
        self.options = options
        self.environment = environment
        try spawn()
    }

    deinit {
        kill()
        for name in ["socket", "log"] { unlink("\(folder)/\(name)") }
        // Of servers that were told to keep an append-only file.
        if let files = opendir("\(folder)/appendonlydir") {
            while let file = readdir(files) {
                let name = withUnsafePointer(to: &file.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(folder)/appendonlydir/\(name)")
            }
            closedir(files)
            rmdir("\(folder)/appendonlydir")
        }
        rmdir(folder)
    }

    // MARK: Life and death

    /// Kills the server as `kill -9` does. Its keys are gone.
    public func kill() {
        guard let process else { return }
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        self.process = nil
    }

    /// Starts the server again, empty, at the same address, and waits until it answers.
    public func restart() throws {
        kill()
        unlink("\(folder)/socket")
        try spawn()
        try waitUntilReady()
    }

    /// Stops the process in its tracks (SIGSTOP). Its kernel goes on accepting connections and bytes.
    public func pause() { signal(SIGSTOP) }

    /// Lets a paused process run on.
    public func resume() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        guard let process else { preconditionFailure("the server at \(address) does not run") }
        Glibc.kill(process, number)
    }

    // MARK: Commands

    /// Sends one command on a connection of its own and waits for the answer.
    @discardableResult
    public func ask(_ arguments: RedisArgument...) throws -> RedisReply {
        let loop = EventLoop()
        var generator = SystemRandomNumberGenerator()
        let connection = RedisConnection(
            to: address, loop: loop, random: { generator.next() }, onEvent: { _ in })
        defer { connection.close() }
        guard loop.run(atMost: Self.patience, until: { connection.info != nil }) else {
            let reason = connection.lastError?.message ?? "Redis at \(address) did not get ready."
            throw Failure(description: "\(reason) Its log ends: \(logEnd)")
        }
        var result: Result<RedisReply, RedisError>?
        try connection.command(arguments) { result = $0 }
        loop.run(atMost: Self.patience, until: { result != nil })
        guard let result else {
            throw Failure(description: "Redis at \(address) did not answer \(arguments)")
        }
        return try result.get()
    }

    private func waitUntilReady() throws { try ask("PING") }

    private var logEnd: String {
        guard let file = fopen("\(folder)/log", "r") else { return "(no log)" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count).suffix(500), as: UTF8.self)
    }

    // MARK: Spawning

    private func spawn() throws {
        let words =
            ["redis-server"] + listening + [
                "--save", "", "--appendonly", "no", "--dir", folder, "--logfile", "\(folder)/log",
                "--daemonize", "no",
            ] + options
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var inherited: [UnsafeMutablePointer<CChar>?] = []
        while let variable = environ[inherited.count] { inherited.append(variable) }
        let added = environment.map { strdup($0) }
        defer { for variable in added { free(variable) } }
        var child = pid_t()
        let code = posix_spawnp(&child, "redis-server", nil, nil, &arguments, added + inherited + [nil])
        guard code == 0 else { throw Failure(description: "redis-server was not started: errno \(code)") }
        process = child
    }

    /// A port below the range that the kernel takes ports of clients from. Within that range a client that
    /// knocks at a dead server's port may connect to itself and so keep the server from coming back.
    private static func freePort() throws -> UInt16 {
        for _ in 0..<100 {
            let port = UInt16.random(in: 10_000..<32_000)
            if isFree(port) { return port }
        }
        throw Failure(description: "there is no free port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        // Not for children: one that another test starts just now would keep the port.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

@available(*, unavailable)
extension RedisServer: Sendable {}
