import Methods
import Wire

/// The two kinds of listeners of a broker, each with a ZAP domain of its own.
enum Port: String {
    case clients
    case workers

    /// What a key may be here. A worker's key opens nothing on the clients' port, and the other way round.
    var roles: Roles {
        switch self {
        case .clients: [.service, .operator]
        case .workers: .worker
        }
    }

    /// The roles of whoever comes through a listener that asks for no key, such as a Unix socket.
    var localRoles: Roles {
        switch self {
        case .clients: .operator
        case .workers: .worker
        }
    }

    /// Why a message must not reach the core, if it must not.
    ///
    /// - Parameter sender: the roles of its sender, at whichever port.
    func objection(to header: Header, from sender: Roles) -> Reason? {
        let sender = sender.intersection(roles)
        guard !sender.isEmpty else { return .keyRefused }
        // Other kinds belong to calls and sessions that only a permitted message could begin.
        guard header.kind == .call else { return nil }
        let needed = MethodRoles.role(of: header.method)
        guard !sender.cover(needed) else { return nil }
        switch needed {
        case .service: return .needsService
        case .operator: return .needsOperator
        case .worker: return .needsWorker
        }
    }
}
