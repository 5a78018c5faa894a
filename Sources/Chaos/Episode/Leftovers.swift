import Cluster

/// What an earlier run that was killed has left: servers that stand still or run on.
///
/// Its other processes have ended with it, because the kernel signals them; Postgres, which is asked to end
/// rather than killed, may have been stopped by a fault at that moment.
public enum Leftovers {
    /// Ends every Postgres server that works in an episode's folder below `folder`.
    public static func heal(in folder: String) async throws(ChaosError) {
        try Files.makeFolder(folder)
        for name in Files.names(in: folder) where name.hasPrefix("episode-") {
            let data = "\(folder)/\(name)"
            await Blocking.run { _ in Cluster.retireOrphans(in: data) }
        }
    }
}
