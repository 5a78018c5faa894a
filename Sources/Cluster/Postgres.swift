import FoundationEssentials
import Glibc

/// The cluster's own Postgres: how its data is made and which command line runs it.
struct Postgres: Sendable {
    let layout: Layout
    let programs: Programs

    var command: Command {
        // Fast shutdown writes a checkpoint and ends; the kernel asks for the same should the supervisor die.
        // https://www.postgresql.org/docs/15/server-shutdown.html
        Command(
            executable: "\(programs.postgresFolder)/postgres", arguments: arguments,
            log: layout.log("postgres"),
            user: programs.postgresUser?.name, deathSignal: .interrupt)
    }

    private var arguments: [String] {
        let settings = [
            "listen_addresses=",
            "port=5432",
            "unix_socket_directories=\(layout.postgresSockets)",
            "unix_socket_permissions=0700",
            "max_connections=100",
            // Durability is the promise: these are the defaults, said aloud.
            "fsync=on",
            "full_page_writes=on",
            "synchronous_commit=on",
            // Room for the ledger's tail and its indexes, on a small machine.
            "shared_buffers=256MB",
            "huge_pages=off",
            // Checkpoints seldom, or every page of a burst is written to the log in full again.
            "max_wal_size=2GB",
            "checkpoint_timeout=15min",
            "wal_compression=off",
            "autovacuum=on",
            // Compiling plans costs more than our short statements do.
            "jit=off",
        ]
        return ["-D", layout.postgresData] + settings.flatMap { ["-c", $0] }
    }

    /// The major version that made the data folder; nil when there is none yet.
    static func dataVersion(_ layout: Layout) -> String? {
        let text = try? String(contentsOfFile: "\(layout.postgresData)/PG_VERSION", encoding: .utf8)
        return text.map { String($0.prefix { !$0.isWhitespace }) }
    }

    /// Makes the data folder with the role and the database `stampede`, once.
    ///
    /// Nobody but the owner of the socket's folder and root can reach the server, so it trusts them.
    func makeData(unless cancellation: Blocking.Cancellation) throws(ClusterError) {
        guard Self.dataVersion(layout) == nil else { return }
        let script = "\(layout.folder)/postgres.sql"
        try? FileManager.default.removeItem(atPath: layout.postgresDraft)
        defer {
            try? FileManager.default.removeItem(atPath: layout.postgresDraft)
            try? FileManager.default.removeItem(atPath: script)
        }
        try DataFolder(layout: layout).make(layout.postgresDraft, mode: 0o700, owner: programs.postgresUser)
        // The single-user server takes one statement per line.
        let statements = "CREATE ROLE stampede LOGIN;\nCREATE DATABASE stampede OWNER stampede;\n"
        do {
            try Data(statements.utf8).write(to: URL(filePath: script))
        } catch {
            throw ClusterError(
                .folder, "“\(script)” cannot be written: free some disk space or use another --data.")
        }
        try run(
            "initdb",
            [
                "--pgdata", layout.postgresDraft, "--username=postgres", "--auth-local=trust",
                "--auth-host=reject",
                "--encoding=UTF8", "--locale=C.UTF-8",
            ], input: "/dev/null", cancellation)
        try run(
            "postgres", ["--single", "-D", layout.postgresDraft, "-c", "exit_on_error=on", "postgres"],
            input: script, cancellation)
        guard rename(layout.postgresDraft, layout.postgresData) == 0 else {
            throw ClusterError(
                .folder, "“\(layout.postgresData)” cannot be made (\(errnoText)): use another --data folder.")
        }
    }

    private func run(
        _ program: String, _ arguments: [String], input: String, _ cancellation: Blocking.Cancellation
    ) throws(ClusterError) {
        var command = Command(
            executable: "\(programs.postgresFolder)/\(program)", arguments: arguments,
            log: layout.log(program),
            user: programs.postgresUser?.name)
        command.input = input
        let status = command.run(atMost: .seconds(120), unless: cancellation)
        if status == .code(0) { return }
        throw .failed(program, status, log: command.log)
    }

    func retireOrphan() { Postgres.retireOrphan(layout) }

    /// Ends a server that outlived a supervisor which was killed, or forgets its lock file. Only one
    /// supervisor holds the folder, so whatever still runs here is an orphan.
    static func retireOrphan(_ layout: Layout) {
        let lock = "\(layout.postgresData)/postmaster.pid"
        guard let text = try? String(contentsOfFile: lock, encoding: .utf8) else { return }
        let pid = text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
        // Its number may be another's by now. A server works in its data folder, a stranger does not.
        func isOurs() -> Bool {
            var information = (server: stat(), data: stat())
            return pid > 1 && stat("/proc/\(pid)/cwd", &information.server) == 0
                && stat(layout.postgresData, &information.data) == 0
                && information.server.st_ino == information.data.st_ino
                && information.server.st_dev == information.data.st_dev
        }
        for signal in [SIGINT, SIGQUIT, SIGKILL] where isOurs() {
            kill(pid, signal)
            kill(pid, SIGCONT)
            let end = ContinuousClock.now + .seconds(10)
            while isOurs(), .now < end { usleep(20_000) }
        }
        unlink(lock)
    }
}

extension ClusterError {
    /// A program that ended too early, with the last thing it said.
    static func failed(_ name: String, _ status: ExitStatus?, log: String) -> ClusterError {
        guard let status else { return ClusterError(.startFailed, "\(name) was stopped before it was done.") }
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let last = text.split(whereSeparator: \.isNewline).last.map { ", saying “\($0.prefix(300))”" } ?? ""
        return ClusterError(.startFailed, "\(name) ended with \(status)\(last): see \(log).")
    }
}
