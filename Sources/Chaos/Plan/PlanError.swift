/// Why a plan cannot be used: where in its text, and what to do.
public struct PlanError: Error, Equatable, CustomStringConvertible {
    public let file: String
    /// From 1; nil when no line is to blame.
    public let line: Int?
    public let message: String

    public var description: String {
        line.map { "\(file), line \($0): \(message)" } ?? "\(file): \(message)"
    }
}
