import FoundationEssentials
import Glibc

/// The installed programs a cluster is made of.
struct Programs: Sendable {
    let redisServer: String
    /// The folder that holds `postgres` and `initdb`.
    let postgresFolder: String
    /// Who Postgres must run as, because it refuses to run as root; nil when we are not root.
    let postgresUser: User?

    struct User: Sendable {
        let name: String
        let id: uid_t
        let group: gid_t
    }

    /// - Parameter dataVersion: The major version that made the existing data folder, if there is one: no
    ///   other can open it.
    init(dataVersion: String?) throws(ClusterError) {
        guard access(Command.setpriv, X_OK) == 0 else {
            throw ClusterError(
                .missingProgram,
                "\(Command.setpriv) is not installed: run `apt-get install util-linux` as root.")
        }
        guard let redis = Self.searchPath.map({ "\($0)/redis-server" }).first(where: Self.isProgram) else {
            throw ClusterError(
                .missingProgram, "redis-server is not installed: run `apt-get install redis-server` as root.")
        }
        redisServer = redis
        guard let postgres = Self.postgresFolder(dataVersion) else {
            throw ClusterError(
                .missingProgram,
                "postgres\(dataVersion.map { " \($0)" } ?? "") is not installed: run `apt-get install "
                    + "postgresql\(dataVersion.map { "-\($0)" } ?? "")` as root.")
        }
        postgresFolder = postgres
        guard geteuid() == 0 else {
            postgresUser = nil
            return
        }
        postgresUser = Self.user("postgres")
        guard postgresUser != nil else {
            throw ClusterError(
                .missingProgram,
                "Postgres does not run as root and there is no user “postgres”: run `apt-get install postgresql` "
                    + "or start the cluster as another user.")
        }
    }

    private static func user(_ name: String) -> User? {
        var buffer = [CChar](repeating: 0, count: 4096)
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return User(name: name, id: entry.pw_uid, group: entry.pw_gid)
    }

    /// Debian keeps each major version in a folder of its own, outside PATH.
    private static func postgresFolder(_ version: String?) -> String? {
        let debian = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []
        let newestFirst = versions.compactMap(Int.init).sorted(by: >).map { "\(debian)/\($0)/bin" }
        let wanted = version.map { ["\(debian)/\($0)/bin"] } ?? newestFirst
        return (wanted + searchPath).first { isProgram("\($0)/postgres") && isProgram("\($0)/initdb") }
    }

    private static var searchPath: [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/sbin", "/usr/local/bin"]
    }

    private static func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
