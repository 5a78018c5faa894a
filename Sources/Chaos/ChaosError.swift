/// Why an episode could not be run or judged.
public struct ChaosError: Error, Equatable {
    public enum Code: Sendable {
        /// A file or folder.
        case folder
        /// The cluster did not start, or did not come back.
        case cluster
        /// A tool that is needed is not installed.
        case missingTool
        /// A fault could not be injected.
        case fault
        /// The checker did not run to its end.
        case checker
        /// Ctrl-C.
        case interrupted
    }

    public let code: Code
    /// One sentence that says what to do next.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
