public import Wire

/// The right to work on a resource until `validUntil`, granted by a majority of the nodes.
///
/// It is advice, not proof: a paused process does not notice that its lease has ended. What is written under
/// it must be fenced.
public struct Lease: Hashable, Sendable {
    /// What the lease is for.
    public let resource: String
    /// What the nodes know the holder by.
    public let token: LeaseToken
    /// The moment from which the lease must not be used. Clock drift is already taken off.
    public let validUntil: MonotonicTime

    public init(resource: String, token: LeaseToken, validUntil: MonotonicTime) {
        self.resource = resource
        self.token = token
        self.validUntil = validUntil
    }
}
