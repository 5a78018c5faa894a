public import Foundation
import Glibc

/// A real `rabbitmq-server` of a test's own: node name, folder, cookie, ports and port mapper, all on loopback.
///
/// It ends with the object, and with the test process however that ends. Starting it takes Erlang some seconds. Safe to use
/// from several threads as long as only one of them starts or kills it.
public final class RabbitServer: @unchecked Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public let port: UInt16
    public let folder: URL
    private let mapperPort: UInt16
    private let distributionPort: UInt16
    /// Leads the process group that the server is in, too.
    private var mapper: pid_t?
    private var server: pid_t?
    /// Ends the group when this process has died, which closes its lifeline.
    private var guardian: Process?
    private var lifeline: Pipe?

    private static let patience: TimeInterval = 180

    /// Starts a server and waits until it serves.
    public init() throws {
        var template = Array("/tmp/stampede-rabbit-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "mkdtemp: errno \(errno)") }
        folder = URL(
            fileURLWithPath: String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let ports = try Self.freePorts(3)
        (port, mapperPort, distributionPort) = (ports[0], ports[1], ports[2])
        try write("enabled_plugins", "[].\n")
        try write("advanced.config", "[].\n")
        try write("environment", "")
        try write(
            "rabbit.conf",
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 10MB\nlog.console = false\n")
        try write(".erlang.cookie", "stampede\(UInt64.random(in: 0 ... .max))")
        chmod(folder.appendingPathComponent(".erlang.cookie").path, 0o400)
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }

    // MARK: Life

    /// Starts it again where it was, with what it had on disk.
    public func start() throws {
        precondition(server == nil, "the server runs already")
        // Debian's own script would drop to a user that cannot enter our folder.
        let group = try spawn(["epmd", "-port", "\(mapperPort)", "-address", "127.0.0.1"], group: 0)
        mapper = group
        server = try spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], group: group)
        try watch(group)
        let end = Date(timeIntervalSinceNow: Self.patience)
        while !Self.accepts(port) {
            guard Date() < end else {
                let log = folder.appendingPathComponent("log/stampede@localhost.log")
                let said = (try? String(contentsOf: log, encoding: .utf8)) ?? "(no log)"
                throw Failure(description: "rabbitmq-server did not start: \(said.suffix(2_000))")
            }
            usleep(50_000)
        }
    }

    /// Kills it as `kill -9` does. Durable queues and persistent messages stay on disk.
    public func kill() {
        guard let mapper, let server else { return }
        _ = Glibc.kill(-mapper, SIGKILL)
        for child in [server, mapper] {
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
        }
        (self.mapper, self.server) = (nil, nil)
        try? lifeline?.fileHandleForWriting.write(contentsOf: Data("stop\n".utf8))
        guardian?.waitUntilExit()
        while Self.accepts(port) { usleep(10_000) }
    }

    /// Stops it in its tracks, and lets it go on.
    public func pause() { if let mapper { _ = Glibc.kill(-mapper, SIGSTOP) } }
    public func resume() { if let mapper { _ = Glibc.kill(-mapper, SIGCONT) } }

    private func watch(_ group: pid_t) throws {
        let (guardian, lifeline) = (Process(), Pipe())
        guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
        guardian.arguments = [
            "-c", "read -r line || { kill -KILL -$0; sleep 1; rm -rf \"$1\"; }", "\(group)", folder.path,
        ]
        guardian.standardInput = lifeline
        try guardian.run()
        (self.guardian, self.lifeline) = (guardian, lifeline)
    }

    // MARK: Processes

    private var environment: [String: String] {
        let path = folder.path
        var all = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RABBITMQ") }
        all.merge([
            "HOME": path, "ERL_EPMD_PORT": "\(mapperPort)", "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "stampede@localhost", "RABBITMQ_MNESIA_BASE": "\(path)/data",
            "RABBITMQ_LOG_BASE": "\(path)/log", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": "\(port)", "RABBITMQ_DIST_PORT": "\(distributionPort)",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(path)/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": "\(path)/rabbit",
            "RABBITMQ_ADVANCED_CONFIG_FILE": "\(path)/advanced",
            "RABBITMQ_CONF_ENV_FILE": "\(path)/environment",
            "RABBITMQ_GENERATED_CONFIG_DIR": "\(path)/schema",
            // One scheduler that does not spin: the machine has other tests to run.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        ]) { $1 }
        return all
    }

    /// - Parameter group: to join; 0 for one of its own.
    private func spawn(_ words: [String], group: pid_t) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        let output = folder.appendingPathComponent("output").path
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, group)
        var arguments = words.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in arguments + variables { free(word) } }
        var child = pid_t()
        let code = posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw Failure(description: "\(words[0]) was not started: errno \(code)") }
        return child
    }

    // MARK: Ports

    private static func freePorts(_ count: Int) throws -> [UInt16] {
        var found: Set<UInt16> = []
        for _ in 0..<1_000 where found.count < count {
            let port = UInt16.random(in: 10_000..<32_000)
            if withSocket(port, { bind($0, $1, $2) == 0 }) { found.insert(port) }
        }
        guard found.count == count else { throw Failure(description: "there are no free ports") }
        return Array(found)
    }

    private static func accepts(_ port: UInt16) -> Bool { withSocket(port) { connect($0, $1, $2) == 0 } }

    private static func withSocket(
        _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Whether the programs are installed.
    public static var isInstalled: Bool {
        access("/usr/lib/rabbitmq/bin/rabbitmq-server", X_OK) == 0
    }
}
