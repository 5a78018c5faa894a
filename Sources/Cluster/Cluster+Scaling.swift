/// What `Cluster.scale(to:)` has begun.
public struct Scaling: Codable, Equatable, Sendable {
    /// The workers that there are from now on.
    public var workers: [String]
    public var added: [String]
    /// These hand their partitions over and end.
    public var leaving: [String]
}

extension Cluster {
    /// Has so many workers run: starts more, or has the youngest hand their partitions over and end. Returns when the
    /// new ones run and the others have been told; the partitions move after that.
    ///
    /// - Throws: `configuration` for a number out of bounds, `startFailed` when a worker dies again and again.
    public func scale(to count: Int) async throws(ClusterError) -> Scaling {
        let roster = roster
        let result = await Blocking.run { cancellation in
            Result { () throws(ClusterError) in try roster.scale(to: count, unless: cancellation) }
        }
        return try result.get()
    }

    /// Asks the process that runs the cluster in a folder to do `scale(to:)`.
    ///
    /// - Throws: `notRunning` when none does, and what `scale(to:)` throws there.
    public static func scale(folder: String, to count: Int) throws(ClusterError) -> Scaling {
        _ = try ClusterFile.load(folder: folder)
        return try ControlSocket.ask(Layout(folder: folder).controlSocket, scale: count)
    }
}

extension Roster {
    func scale(to count: Int, unless cancellation: Blocking.Cancellation) throws(ClusterError) -> Scaling {
        guard 1...ClusterConfiguration.processLimit ~= count else {
            throw ClusterError(
                .configuration,
                "The number of workers must be from 1 to \(ClusterConfiguration.processLimit), not \(count).")
        }
        var added: [String] = []
        while workers.count < count { added.append(try addSettledWorker(unless: cancellation).name) }
        let leaving = Array(workers.dropFirst(count))
        for worker in leaving.reversed() { retire(worker) }
        return Scaling(workers: workers.map(\.name), added: added, leaving: leaving.map(\.name))
    }

    /// Adds a worker and waits until it has run for a moment; one that dies again and again is removed.
    func addSettledWorker(unless cancellation: Blocking.Cancellation) throws(ClusterError) -> Child {
        let child = try addWorker()
        do throws(ClusterError) {
            try child.awaitSettled(unless: cancellation)
        } catch {
            remove(child)
            throw error
        }
        return child
    }
}
