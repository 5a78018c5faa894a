public import Wire

/// A set of roles. Empty for a key that may do nothing.
public struct Roles: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let service = Roles(rawValue: 1)
    public static let `operator` = Roles(rawValue: 2)
    public static let worker = Roles(rawValue: 4)

    public init(_ role: Role) {
        switch role {
        case .service: self = .service
        case .operator: self = .operator
        case .worker: self = .worker
        }
    }

    /// True when one of the roles may call what is for `role`.
    @inline(__always)
    func cover(_ role: Role) -> Bool {
        // The same role first: this is asked for every message.
        contains(Roles(role)) || Role.allCases.contains { contains(Roles($0)) && $0.covers(role) }
    }
}
