import FoundationEssentials
import Glibc

/// Where a local cluster lives unless told.
enum DataPath {
    /// `/var/tmp/stampede-UID`: on a disk and kept over a restart of the machine (hier(7)), short enough for
    /// Unix sockets, and below folders that the user postgres can pass when root starts the cluster, unlike
    /// anything in root's home.
    static var standard: String { "/var/tmp/stampede-\(geteuid())" }

    /// An absolute path for a folder as typed. Refuses the standard folder when it is not ours: anybody can
    /// make one of that name.
    static func resolve(_ given: String?) throws(Failure) -> String {
        guard let given else {
            var information = stat()
            let exists = lstat(standard, &information) == 0
            guard !exists || (information.st_uid == geteuid() && information.st_mode & S_IFMT == S_IFDIR)
            else {
                throw Failure(
                    .refused, "the folder “\(standard)” belongs to somebody else: choose another with --data")
            }
            return standard
        }
        guard !given.isEmpty else { throw Failure(.usage, "--data is empty: name a folder") }
        let path = given.hasPrefix("/") ? given : FileManager.default.currentDirectoryPath + "/" + given
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
