import Wire

/// What a host serves and where, fixed for its life.
struct HostPlan: Sendable {
    let name: String
    let brokers: [String]
    /// Names, in the order in which the core numbers them.
    let services: [String]
    let methods: [ServiceMethod]
    let interceptors: [any ServiceInterceptor]
    let configuration: HostConfiguration
    /// For services of keyed methods, which answer for all partitions. Nil for all others.
    let ownership: HostOwnership?
    /// For tests: what goes wrong.
    let script: (any HostScript)?

    var shapes: [(id: MethodID, shape: ServiceCore.Shape)] {
        methods.map { method in
            let isInline =
                switch method.handler {
                case .inline: true
                case .task: false
                }
            let service = services.firstIndex(of: ServiceMethod.service(of: method.name)) ?? 0
            return (method.id, .init(kind: method.kind, isInline: isInline, service: service))
        }
    }
}

/// Partitions that a host owns all of, under the first fence of a ledger that there is only in its memory.
package struct HostOwnership: Sendable {
    let partitions: Int
    let incarnation: String

    package init(partitions: Int, incarnation: String) {
        self.partitions = partitions
        self.incarnation = incarnation
    }
}
