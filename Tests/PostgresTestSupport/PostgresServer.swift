public import Foundation
import Glibc

/// A PostgreSQL server of a test's own: a fresh cluster in a temporary folder, reached by a unix socket only.
///
/// It keeps fsync, full_page_writes and synchronous_commit on, as a ledger needs them. It ends with the last
/// reference to it, and with the test process however that ends. Safe to use from several threads as long as
/// only one of them starts, stops or kills it.
public final class PostgresServer: @unchecked Sendable {
    /// What went wrong, with the server's own words.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public init(_ description: String) { self.description = description }
    }

    /// Where the data, the log and the socket are.
    public let folder: URL
    /// Settings over the defaults; read at each start.
    public var settings: [String: String]

    private var postmaster: Process?
    private var guardian: Process?
    private var lifeline: Pipe?
    /// The postmaster, 0 while none runs.
    public private(set) var pid: Int32 = 0

    /// Makes a cluster and starts it.
    ///
    /// - Parameter settings: lines of `postgresql.conf`, over the defaults.
    public init(settings: [String: String] = [:]) throws {
        self.settings = settings
        folder = try Self.makeFolder()
        try run(
            "initdb",
            [
                "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                "--no-instructions",
            ])
        try start()
    }

    /// Makes a standby of another server and starts it: it follows until `promote()`. The other may wait for it as
    /// its synchronous standby by the name `standby`.
    public init(standbyOf primary: PostgresServer, settings: [String: String] = [:]) throws {
        self.settings = settings.merging(["cluster_name": "'standby'"]) { $1 }
        folder = try Self.makeFolder()
        try run("pg_basebackup", ["-D", data, "-R", "-c", "fast", "-d", primary.dsn()])
        try start()
    }

    private static func makeFolder() throws -> URL {
        // Not the usual temporary folder: user postgres must reach it, and a socket's path holds 107 bytes.
        var template = Array("/tmp/stampede-postgres-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: errno \(errno)") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if getuid() == 0 {
            guard let user = getpwnam("postgres"), chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0
            else {
                throw Failure("no user postgres to drop to; run as another user than root")
            }
        }
        return URL(fileURLWithPath: path, isDirectory: true)
    }

    deinit {
        if pid != 0 { stop(.immediate) }
        try? FileManager.default.removeItem(at: folder)
    }

    var data: String { folder.appendingPathComponent("data").path }
    private var log: URL { folder.appendingPathComponent("log") }

    /// A connection string for a database of this server.
    public func dsn(_ database: String = "postgres") -> String {
        "host=\(folder.path) port=5432 user=postgres dbname=\(database)"
    }

    /// Makes an empty database and returns its connection string.
    public func makeDatabase(_ name: String) throws -> String {
        try execute("CREATE DATABASE \(name)")
        return dsn(name)
    }

    // MARK: Life

    /// Starts the server and waits until it accepts connections, at most 30 s.
    public func start() throws {
        precondition(pid == 0, "the server runs already")
        let deadline = Date(timeIntervalSinceNow: 30)
        while true {
            try launch()
            while isRunning {
                if (try? execute("SELECT 1")) == "1" { return }
                guard Date() < deadline else { break }
                usleep(10_000)
            }
            // After a kill -9 the old server's children may still be about to notice; the next start may do.
            reap()
            guard Date() < deadline else {
                let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
                throw Failure("postgres did not start: \(said.suffix(2_000))")
            }
            usleep(50_000)
        }
    }

    /// How a server is asked to stop (pg_ctl(1)).
    public enum Shutdown: Sendable {
        /// Ends sessions, writes a checkpoint.
        case fast
        /// Ends at once; the next start recovers.
        case immediate
    }

    /// Stops the server and waits for it.
    public func stop(_ mode: Shutdown = .fast) {
        signal(mode == .fast ? SIGINT : SIGQUIT)
        reap()
    }

    /// Kills the postmaster with SIGKILL, as a machine that runs out of memory would. Its children notice.
    public func kill() {
        signal(SIGKILL)
        reap()
    }

    /// Kills, then starts again.
    public func crash() throws {
        kill()
        try start()
    }

    private func launch() throws {
        var lines = [
            "listen_addresses": "''", "unix_socket_directories": "'\(folder.path)'", "port": "5432",
            "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
            "shared_buffers": "64MB", "max_wal_size": "2GB", "max_connections": "60", "autovacuum": "on",
        ]
        lines.merge(settings) { $1 }
        let options = lines.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
        let file = folder.appendingPathComponent("settings.conf")
        try (options.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)

        let server = Process()
        let redirect = "exec \"$0\" -D \"$1\" -c config_file=\"$2\" >>\"$3\" 2>&1 </dev/null"
        try spawn(
            server,
            Self.privileges + ["/bin/sh", "-c", redirect, try tool("postgres"), data, file.path, log.path])
        postmaster = server
        pid = server.processIdentifier
        // Ends the server when the lifeline closes without a word, which is when this process has died.
        let watch = "read -r line || { kill -QUIT $0; sleep 1; rm -rf \"$1\"; }"
        let guardian = Process()
        let lifeline = Pipe()
        guardian.standardInput = lifeline
        try spawn(guardian, Self.privileges + ["/bin/sh", "-c", watch, String(pid), folder.path])
        self.guardian = guardian
        self.lifeline = lifeline
    }

    private func spawn(_ process: Process, _ command: [String]) throws {
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = folder
        try process.run()
    }

    private var isRunning: Bool {
        // A zombie still answers signals; its state says that it has ended.
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let state = status.split(separator: ")").last?.split(separator: " ").first
        else { return false }
        return state != "Z"
    }

    private func signal(_ number: Int32) {
        precondition(pid > 0, "no server runs")
        _ = Glibc.kill(pid, number)
        while isRunning { usleep(5_000) }
    }

    private func reap() {
        try? lifeline?.fileHandleForWriting.write(contentsOf: Data("stop\n".utf8))
        try? lifeline?.fileHandleForWriting.close()
        postmaster?.waitUntilExit()
        guardian?.waitUntilExit()
        postmaster = nil
        lifeline = nil
        guardian = nil
        pid = 0
    }

    // MARK: Commands

    /// Runs SQL as superuser with psql, stops at the first error, and returns what it printed.
    @discardableResult
    public func execute(_ sql: String, in database: String = "postgres") throws -> String {
        try run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, dsn(database)])
    }

    @discardableResult
    func run(_ name: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try spawn(process, Self.privileges + [try tool(name)] + arguments)
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(name): \(String(decoding: complaint, as: UTF8.self))")
        }
        return String(decoding: printed, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// "cannot be run as root": the server must be started by an unprivileged user.
    private static var privileges: [String] {
        guard getuid() == 0 else { return [] }
        return ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    }

    /// Finds a program in PATH, or in the newest of the distribution's versions.
    private func tool(_ name: String) throws -> String {
        let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(
            String.init)
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [])
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        for folder in search + versions.map({ "\(root)/\($0)/bin" }) {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Failure("no \(name) in PATH or \(root); install postgresql")
    }
}
