import Glibc

/// What a local cluster consists of and where it lives.
public struct ClusterConfiguration: Sendable {
    /// The absolute path of the data folder. Made if missing. Everything the cluster writes is inside it.
    public var folder: String
    /// Independent Redis nodes. Odd numbers make sense: a lease needs a majority.
    public var redisCount = 5
    public var brokerCount = 1
    /// Workers at the start; `Cluster.addWorker()` adds more.
    public var workerCount = 2
    /// How long a lease on a partition lasts, in milliseconds.
    public var leaseTTLMilliseconds = 3000
    /// Into how many partitions a new ledger divides the keyed work. An existing ledger keeps its number.
    public var partitions = 64
    /// Whether the workers sign receipts, with the key `receipts.key` in the folder. Made if missing.
    public var signsReceipts = false
    /// The program that is run as `broker`, `worker` and `migrate`.
    public var stampedeExecutable: String
    /// Appended to the command line of every broker.
    public var brokerArguments: [String] = []
    /// Appended to the command line of every worker.
    public var workerArguments: [String] = []
    /// Whether a process that pays for orders runs too, with a sandbox provider to pay at.
    public var hasPayments = false
    /// Appended to the command lines of both.
    public var paymentsArguments: [String] = []
    /// Chosen at the start.
    var paymentPorts: PaymentPorts?
    /// Whether a relay publishes every change, to a Redis server of its own and to the tables of the ledger.
    public var hasRelay = false
    /// Appended to the command line of the relay.
    public var relayArguments: [String] = []
    /// The socket through which a worker reaches a server: given the worker's name, the server's, and the
    /// server's own socket, which is also the answer unless somebody stands between them, as chaos does.
    package var detour: @Sendable (_ worker: String, _ server: String, _ socket: String) -> String = { $2 }
    /// Variables added to the environment of the process with that name.
    package var environment: @Sendable (_ process: String) -> [String: String] = { _ in [:] }

    /// The most processes of one kind. Each costs one sleeping thread of the supervisor, and Postgres takes
    /// 100 connections.
    public static let processLimit = 64

    /// A cluster of the usual size whose brokers and workers run the program that calls this.
    public init(folder: String) {
        self.folder = folder
        stampedeExecutable = Self.ownExecutable
    }

    /// The running program's file: proc(5), `/proc/self/exe`.
    private static var ownExecutable: String {
        guard let path = realpath("/proc/self/exe", nil) else { return "/proc/self/exe" }
        defer { free(path) }
        return String(cString: path)
    }

    func check() throws(ClusterError) {
        let forbidden: Set<Character> = [",", "'", "\"", "\\"]
        guard folder.hasPrefix("/"), folder.count > 1 else {
            throw ClusterError(.configuration, "The data folder must be an absolute path, not “\(folder)”.")
        }
        guard !folder.contains(where: { $0.isWhitespace || forbidden.contains($0) }) else {
            throw ClusterError(
                .configuration,
                "The data folder “\(folder)” must not contain spaces, commas, quotes or backslashes: "
                    + "choose another with --data.")
        }
        for (count, noun) in [
            (redisCount, "Redis nodes"), (brokerCount, "brokers"), (workerCount, "workers"),
        ]
        where !(1...Self.processLimit).contains(count) {
            throw ClusterError(
                .configuration, "The number of \(noun) must be from 1 to \(Self.processLimit), not \(count).")
        }
    }
}
