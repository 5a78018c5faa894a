import FoundationEssentials
import Glibc

/// What a running cluster tells other commands on this machine: `cluster.json` in its folder. Rewritten
/// whenever a process starts or ends, gone when the cluster has stopped.
public struct ClusterFile: Codable, Equatable, Sendable {
    public struct Broker: Codable, Equatable, Sendable {
        public var name: String
        /// The endpoint services connect to.
        public var clients: String
        /// The endpoint workers connect to.
        public var workers: String
    }

    /// The sandbox provider that orders are paid at.
    public struct Payments: Codable, Equatable, Sendable {
        public var provider: String
        /// Who may ask it.
        public var providerKeyFile: String
        /// Where it tells of events …
        public var webhook: String
        /// … and what they are signed with.
        public var webhookSecretFile: String
    }

    /// The process that runs the cluster.
    public var supervisor: Int32
    public var brokers: [Broker]
    /// A libpq connection string.
    public var ledgerDSN: String
    /// `unix:/path` per Redis node.
    public var redisAddresses: [String]
    /// `unix:/path` of the Redis server that keeps events, if there is a relay.
    public var eventsAddress: String?
    /// Nil unless the cluster runs what pays.
    public var payments: Payments?
    /// The running processes by name.
    public var pids: [String: Int32]

    /// Finds the cluster that runs in a folder.
    ///
    /// - Throws: `ClusterError` with code `notRunning`.
    public static func load(folder: String) throws(ClusterError) -> ClusterFile {
        let path = Layout(folder: folder).file
        guard let data = FileManager.default.contents(atPath: path),
            let file = try? JSONDecoder().decode(ClusterFile.self, from: data),
            // kill(2): signal 0 only checks. A supervisor that was killed has left the file behind.
            kill(file.supervisor, 0) == 0 || errno == EPERM
        else {
            throw ClusterError(
                .notRunning, "No cluster runs in “\(folder)”: start one with `stampede up --data \(folder)`.")
        }
        return file
    }

    /// Replaces the file at once, so that a reader finds the old or the new one, never half of one.
    func write(to path: String) throws(ClusterError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw ClusterError(
                .folder, "“\(path)” cannot be written: free some disk space or use another --data.")
        }
    }
}
