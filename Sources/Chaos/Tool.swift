import Cluster

/// An installed program that is run to its end: psql, python3, cc.
struct Tool {
    let name: String
    /// Where its output goes.
    let log: String

    /// Nil when it took longer than `limit`. env(1) finds it in PATH and says 127 when it is not there.
    func run(_ arguments: [String], atMost limit: Duration) async -> ExitStatus? {
        let command = Command(executable: "/usr/bin/env", arguments: [name] + arguments, log: log)
        return await Blocking.run { command.run(atMost: limit, unless: $0) }
    }

    static let missing = ExitStatus.code(127)
}
