public import Wire

/// What interceptors are told of a call that ended with a yes, or of a stream whose scope was left before.
public struct CallReport: Sendable {
    /// How often the call was sent.
    public let attempts: Int
    /// The service's trailing metadata.
    public let metadata: Metadata
    /// The scope of a stream was left while the call was open, which cancelled it.
    public let wasLeft: Bool
}
