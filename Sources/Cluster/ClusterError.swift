/// Why a cluster could not be started, found or commanded. Describes itself in one sentence that says what
/// to do next.
public struct ClusterError: Error, CustomStringConvertible, Sendable {
    public struct Code: Hashable, Sendable {
        private enum Value {
            case configuration, missingProgram, folderInUse, folder, startFailed, notRunning
        }
        private let value: Value

        /// The configuration asks for something impossible.
        public static let configuration = Self(value: .configuration)
        /// redis-server, postgres or another program is not installed.
        public static let missingProgram = Self(value: .missingProgram)
        /// Another supervisor runs a cluster in this folder.
        public static let folderInUse = Self(value: .folderInUse)
        /// The data folder cannot be made, entered or written.
        public static let folder = Self(value: .folder)
        /// A process of the cluster did not come up. Everything started before it has been stopped.
        public static let startFailed = Self(value: .startFailed)
        /// No cluster, or no process of that name, runs here.
        public static let notRunning = Self(value: .notRunning)
    }

    public let code: Code
    /// One sentence for the person who ran the command.
    public let message: String

    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
