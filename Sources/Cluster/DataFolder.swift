import FoundationEssentials
import Glibc

/// The folders of a cluster on disk.
///
/// | path | mode | owner |
/// | --- | --- | --- |
/// | `FOLDER`, `run`, `logs` | 0700; 0711 when root, so that the user postgres can pass | ours |
/// | `redis-N` | 0700 | ours |
/// | `postgres`, `run/postgres` | 0700 | ours; the user postgres when root |
struct DataFolder: Sendable {
    let layout: Layout

    /// Makes the folder itself, which the lock is in.
    func makeRoot() throws(ClusterError) {
        try checkAncestors()
        try make(layout.folder, mode: ownMode)
    }

    /// Makes what is in it, and removes what a cluster that was killed has left.
    func makeContents(
        redisCount: Int, hasRelay: Bool, postgresUser: Programs.User?
    ) throws(ClusterError) {
        try? FileManager.default.removeItem(atPath: layout.file)
        removeSockets()
        for path in [layout.run, layout.logs] { try make(path, mode: ownMode) }
        for index in 1...redisCount { try make("\(layout.folder)/\(layout.redisName(index))", mode: 0o700) }
        if hasRelay { try make(layout.eventsData, mode: 0o700) }
        try make(layout.postgresSockets, mode: 0o700, owner: postgresUser)
    }

    /// Processes that were killed leave their sockets behind.
    func removeSockets() { try? FileManager.default.removeItem(atPath: layout.run) }

    func make(_ path: String, mode: mode_t, owner: Programs.User? = nil) throws(ClusterError) {
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: Int(mode)]
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: attributes)
        } catch {
            throw ClusterError(
                .folder, "The folder “\(path)” cannot be made (\(errnoText)): choose another with --data.")
        }
        guard chmod(path, mode) == 0, owner.map({ chown(path, $0.id, $0.group) == 0 }) ?? true else {
            throw ClusterError(
                .folder, "The folder “\(path)” is not yours (\(errnoText)): choose another with --data.")
        }
    }

    private var isRoot: Bool { geteuid() == 0 }
    private var ownMode: mode_t { isRoot ? 0o711 : 0o700 }

    /// Postgres runs as the user postgres when we are root, and must be able to pass every folder above ours.
    private func checkAncestors() throws(ClusterError) {
        guard isRoot else { return }
        var path = layout.folder
        while let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            path = String(path[..<slash])
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & 0o001 == 0 else { continue }
            throw ClusterError(
                .folder,
                "Postgres runs as the user postgres, which cannot enter “\(path)”: choose a --data folder "
                    + "elsewhere, for example below /var/tmp.")
        }
    }
}
