package import Methods
package import Wire

/// What the methods of this broker's workers are, in their own words: for reflection and health.
///
/// Bounded: at most `maximumMethods`, each described in at most a message.
package struct Catalog {
    private(set) var described: [MethodID: Described] = [:]
    /// The services of those methods.
    private var services: Set<String> = []

    package struct Described {
        let summary: MethodList.Method
        /// The whole description, as it came.
        let bytes: [UInt8]
    }

    package static let maximumMethods = 1_024

    /// The broker's own methods, which it answers itself.
    private static let own: [MethodID: Described] = {
        var own: [MethodID: Described] = [:]
        for description in MethodDescription.ofBrokers {
            own[MethodID(description.name)] = Described(description)
        }
        return own
    }()

    private static let ownServices = Set(own.values.map(\.summary.service))

    package static func isOwn(_ method: MethodID) -> Bool {
        // Compared one by one: the hash of a dictionary costs more than five comparisons of a word.
        method == SystemMethods.brokerStatus.id || method == HealthMethods.check.id
            || method == HealthMethods.watch.id || method == ReflectionMethods.list.id
            || method == ReflectionMethods.describe.id
    }

    /// Takes a worker's description of a method that it has.
    package mutating func describe(_ description: MethodDescription) {
        let id = MethodID(description.name)
        guard described[id] != nil || described.count < Self.maximumMethods, !Self.isOwn(id) else { return }
        let described = Described(description)
        self.described[id] = described
        services.insert(described.summary.service)
    }

    /// Forgets the methods that no worker has any more.
    package mutating func forget(methodsWithout workers: [WorkerState?]) {
        described = described.filter { id, _ in workers.contains { $0?.methods.contains(id) == true } }
        services = Set(described.values.map(\.summary.service))
    }

    /// All methods, in order of their names.
    package var list: [MethodList.Method] {
        (Catalog.own.values.map(\.summary) + described.values.map(\.summary)).sorted { $0.name < $1.name }
    }

    /// A method's description as MessagePack.
    package func description(of name: String) -> [UInt8]? {
        let id = MethodID(name)
        return (Catalog.own[id] ?? described[id])?.bytes
    }

    /// The service that a method belongs to, if the method was described.
    package func service(of method: MethodID) -> String? {
        (described[method] ?? Catalog.own[method])?.summary.service
    }

    /// Whether a service has a method here.
    package func has(service: String) -> Bool {
        services.contains(service) || Catalog.ownServices.contains(service)
    }

    /// Whether the broker answers it itself.
    package func isOwn(service: String) -> Bool { Catalog.ownServices.contains(service) }
}

extension Catalog.Described {
    package init(_ description: MethodDescription) {
        var writer = MessagePackWriter()
        description.encode(into: &writer)
        self.init(
            summary: MethodList.Method(
                name: description.name, kind: description.kind, about: description.about),
            bytes: writer.bytes)
    }
}
