import Methods
import Wire

extension Header {
    /// The header of a first attempt, complete but for call id and time left.
    init(
        call method: MethodID, _ routing: MethodRouting, _ priority: Priority, _ route: Route, _ flags: Flags
    ) {
        self.init(.call)
        self.flags = flags
        switch routing {
        case .keyed: self.flags.insert(.keyed)
        case .partition: self.flags.formUnion([.keyed, .partition])
        case .free: break
        }
        self.priority = priority
        self.method = method
        self.routing = route.routing
        requestKey = route.requestKey
    }

    /// What a client remembers brokers by; nil for a call that any worker takes.
    var brokerKey: BrokerMemory.Key? {
        guard flags.contains(.keyed) else { return nil }
        return BrokerMemory.Key(routing: routing, isPartition: flags.contains(.partition))
    }
}
