/// What is wrong with a key, a file of keys or a door that should be locked. One sentence, with what to do next.
public struct SecurityError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
