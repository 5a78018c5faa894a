/// What a key, and whoever holds its secret, may do (`PROTOCOL.md`, "Security").
public enum Role: String, Sendable, CaseIterable {
    /// A service that sells: places and settles orders, and looks at sales.
    case service
    /// Whoever runs the sales: all that a service may, and what changes or shows the cluster.
    case `operator`
    /// A worker: everything on the workers' port, and nothing on the clients'.
    case worker

    /// True when this role may call what is for `role`.
    public func covers(_ role: Role) -> Bool { self == role || (self == .operator && role == .service) }
}
