public import Sales
public import Wire

/// A request that knows where it goes. Every request body of ours does.
public protocol Routed {
    var route: Route { get }
}

/// What the header of a call says beyond the method: where it goes, and whether it may be repeated.
public struct Route: Hashable, Sendable {
    /// The sale and lane of a keyed method; the partition number, as `sale`, of a partition method.
    public var routing: RoutingKey
    /// The caller's name for the request; zero for a request that has none.
    public var requestKey: UInt128 {
        get { UInt128(keyHigh) << 64 | UInt128(keyLow) }
        set {
            keyHigh = UInt64(truncatingIfNeeded: newValue >> 64)
            keyLow = UInt64(truncatingIfNeeded: newValue)
        }
    }
    // Two words, as in `RequestKey`.
    private var keyHigh: UInt64 = 0
    private var keyLow: UInt64 = 0
    /// True when the request changes nothing, so that running it twice does no harm.
    public var isRead: Bool

    public init(routing: RoutingKey, requestKey: UInt128 = 0, isRead: Bool = false) {
        self.routing = routing
        self.isRead = isRead
        self.requestKey = requestKey
    }

    /// To the owner of a sale's lane, under a request key.
    init(_ sale: SaleID, _ lane: Lane = .only, key: RequestKey) {
        self.init(
            routing: RoutingKey(sale: sale.rawValue, lane: lane.rawValue), requestKey: key.rawValue)
    }

    /// To the owner of a partition.
    init(_ partition: Partition, isRead: Bool) {
        self.init(routing: RoutingKey(sale: Int64(partition.rawValue), lane: 0), isRead: isRead)
    }

    /// To the owner of a partition, under a request key.
    init(_ partition: Partition, key: RequestKey) {
        self.init(
            routing: RoutingKey(sale: Int64(partition.rawValue), lane: 0), requestKey: key.rawValue)
    }

    /// Safe to send again after an attempt that may have run: the worker knows the key, or nothing changes.
    public var isRepeatable: Bool { isRead || requestKey != 0 }
}

extension Method where Request: Routed {
    /// The header of a first attempt, complete but for call id and time left.
    public func header(for request: Request) -> Header {
        let route = request.route
        var header = Header(.call)
        header.flags = [.end]
        switch routing {
        case .keyed: header.flags.insert(.keyed)
        case .partition: header.flags.formUnion([.keyed, .partition])
        case .free: break
        }
        header.priority = priority
        header.method = id
        header.routing = route.routing
        header.requestKey = route.requestKey
        return header
    }
}

extension PlaceOrder: Routed {
    public var route: Route { Route(sale, lane, key: key) }
}

extension PlaceMany: Routed {
    public var route: Route { Route(sale, lane, key: key) }
}

extension WaitOrder: Routed {
    public var route: Route { Route(sale, lane, key: key) }
}

extension ListOrders: Routed {
    public var route: Route {
        Route(routing: RoutingKey(sale: sale.rawValue, lane: lane.rawValue), isRead: true)
    }
}

extension WatchOrder: Routed {
    public var route: Route { Route(order.partition, isRead: true) }
}

extension WatchSale: Routed {
    public var route: Route {
        Route(routing: RoutingKey(sale: sale.rawValue, lane: lane.rawValue), isRead: true)
    }
}

extension SettleOrder: Routed {
    public var route: Route { Route(sale, lane, key: key) }
}

extension CancelOrder: Routed {
    public var route: Route { Route(order.partition, key: key) }
}

extension RevokeOrder: Routed {
    public var route: Route { Route(order.partition, key: key) }
}

extension PayOrder: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), requestKey: attempt.rawValue) }
}

extension BeginPayment: Routed {
    public var route: Route { Route(order.partition, key: attempt) }
}

extension RecordPayment: Routed {
    public var route: Route { Route(order.partition, key: attempt) }
}

extension ListPayments: Routed {
    public var route: Route { Route(partition, isRead: true) }
}

extension CreateSale: Routed {
    public var route: Route { Route(sale, key: key) }
}

extension ChangeSale: Routed {
    public var route: Route { Route(sale, key: key) }
}

extension GetOrder: Routed {
    public var route: Route { Route(order.partition, isRead: true) }
}

extension GetSale: Routed {
    public var route: Route {
        Route(routing: RoutingKey(sale: sale.rawValue, lane: lane.rawValue), isRead: true)
    }
}

extension ListSales: Routed {
    public var route: Route { Route(partition, isRead: true) }
}

extension YieldPartition: Routed {
    public var route: Route { Route(partition, isRead: false) }
}

extension DrainWorker: Routed {
    /// Draining twice is draining once.
    public var route: Route { Route(routing: OneWorker.routing(of: worker), isRead: true) }
}

extension ForceBreaker: Routed {
    /// Forcing a state twice is forcing it once, and a little longer.
    public var route: Route { Route(routing: OneWorker.routing(of: worker), isRead: true) }
}

extension AskRedis: Routed {
    public var route: Route { Route(routing: OneWorker.routing(of: worker), isRead: true) }
}

extension HealthCheck: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

extension DescribeMethod: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

/// The request of the look-ups that need no words: `broker.status` and `worker.ping`.
extension Empty: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}
