import FoundationEssentials
import Glibc

/// A program to be run as a child: what, as whom, and where its output goes.
package struct Command: Sendable {
    let executable: String
    let arguments: [String]
    /// Both standard output and standard error are appended here.
    let log: String
    /// The user it runs as, when that is not ours.
    var user: String?
    /// What it reads from standard input.
    var input = "/dev/null"
    var deathSignal = DeathSignal.kill
    /// Added to our own environment.
    var variables: [String: String] = [:]

    /// A program that runs as we do and reads nothing.
    package init(executable: String, arguments: [String], log: String) {
        self.init(executable: executable, arguments: arguments, log: log, user: nil)
    }

    init(
        executable: String, arguments: [String], log: String, user: String? = nil,
        deathSignal: DeathSignal = .kill, variables: [String: String] = [:]
    ) {
        self.executable = executable
        self.arguments = arguments
        self.log = log
        self.user = user
        self.deathSignal = deathSignal
        self.variables = variables
    }

    /// What the kernel sends the child when the supervisor dies without having stopped it, as setpriv(1)
    /// spells it.
    enum DeathSignal: String {
        case kill = "KILL"
        case interrupt = "INT"
    }

    /// Starts the program and returns its process id, or the errno.
    ///
    /// - Important: prctl(2), `PR_SET_PDEATHSIG`: "the 'parent' in this case is considered to be the thread
    ///   that created this process". The calling thread must live until the child has ended.
    package func spawn() -> Result<Int32, SpawnError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        _ = Self.addCloseFrom(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A process group of its own keeps Ctrl-C on the terminal from the child: the supervisor gets it and
        // stops the children in their order.
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        var pid: Int32 = 0
        let errno = Self.withCStrings([Self.setpriv] + setprivArguments + [executable] + arguments) { argv in
            Self.withCStrings(environment) { environment in
                posix_spawn(&pid, Self.setpriv, &actions, &attributes, argv, environment)
            }
        }
        return errno == 0 ? .success(pid) : .failure(SpawnError(errno: errno))
    }

    /// Keeps our own files, some of them opened by libraries, from the child. In glibc since 2.34, but hidden
    /// from Swift's import of it, which goes without `_GNU_SOURCE`.
    private static let addCloseFrom: AddCloseFrom = {
        let name = "posix_spawn_file_actions_addclosefrom_np"
        guard let symbol = dlsym(nil, name) else { preconditionFailure("glibc has no \(name)") }
        return unsafeBitCast(symbol, to: AddCloseFrom.self)
    }()

    private typealias AddCloseFrom =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

    package struct SpawnError: Error { package let errno: Int32 }

    /// setpriv(1) of util-linux, which Debian marks essential.
    static let setpriv = "/usr/bin/setpriv"

    private var setprivArguments: [String] {
        var arguments = ["--pdeathsig", deathSignal.rawValue]
        if let user { arguments += ["--reuid", user, "--regid", user, "--clear-groups"] }
        return arguments + ["--"]
    }

    /// Ours, without libpq's variables, which would change what a DSN means.
    private var environment: [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("PG") }
            .merging(variables) { $1 }
            .map { "\($0.key)=\($0.value)" }
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }

    /// Runs the program to its end. Nil when it was killed because the caller gave up or `limit` passed.
    package func run(atMost limit: Duration, unless cancellation: Blocking.Cancellation) -> ExitStatus? {
        let pid: Int32
        switch spawn() {
        case .success(let started): pid = started
        case .failure(let error): return .unstartable(error.errno)
        }
        let end = ContinuousClock.now + limit
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            if cancellation.isCancelled || .now > end {
                kill(-pid, SIGKILL)
                waitpid(pid, &status, 0)
                return nil
            }
            usleep(5_000)
        }
        return ExitStatus(waitStatus: status)
    }
}
