public import Sales
public import Wire

/// Every method that a service or an operator can call.
///
/// Keyed methods carry sale, lane and request key in the header too, for the broker; the owner trusts only
/// the body and refuses a header that differs.
public enum OrderMethods {
    /// Places an order. Repeating it with the same key is safe, through any broker.
    public static let place = Method<PlaceOrder, Order>("order.place", .keyed)
    /// Places several orders of one sale, each decided by itself.
    public static let placeMany = Method<PlaceMany, PlacedMany>("order.place_many", .keyed)
    /// Ends an unknown outcome: returns the order, or makes sure that there never will be one.
    public static let settle = Method<SettleOrder, Settlement>("order.settle", .keyed, priority: .high)
    /// Waits for units that come back, and tells where the caller stands until it has an order. Repeating it with the same
    /// key finds the same place in the list; `settle` gives it up.
    public static let wait = StreamMethod<WaitOrder, WaitState>("order.wait", .serverStream, .keyed)
    /// Looks an order up by its id.
    public static let get = Method<GetOrder, Order>("order.get", .partition)
    /// The orders of a sale, or of one of its buyers, page by page.
    public static let list = Method<ListOrders, OrderList>("order.list", .keyed)
    /// An order as it is, and again whenever it changes.
    public static let watch = StreamMethod<WatchOrder, OrderUpdate>("order.watch", .serverStream, .partition)
    /// Proof of what was decided about an order, to be checked without us.
    public static let receipt = Method<GetReceipt, OrderReceipt>("order.receipt", .partition)
    /// Gives an order up that is not paid: for its buyer.
    public static let cancel = Method<CancelOrder, Order>("order.cancel", .partition, priority: .high)
    /// Ends an order, paid or not, and says why.
    public static let revoke = Method<RevokeOrder, Order>(
        "order.revoke", .partition, priority: .high, role: .operator)
    /// Pays for an order. Served by a process that talks to the payment provider, so that no owner waits for one.
    public static let pay = Method<PayOrder, Order>("order.pay", .free, priority: .high)
}

/// What whoever talks to a payment provider tells the owners of orders.
public enum PaymentMethods {
    /// Opens an attempt to pay. Money is asked for only after it was answered.
    public static let begin = Method<BeginPayment, Order>(
        "payment.begin", .partition, priority: .high, role: .operator)
    /// Tells what became of an attempt's money.
    public static let record = Method<RecordPayment, Order>(
        "payment.record", .partition, priority: .high, role: .operator)
    /// The attempts that somebody still has to see to.
    public static let list = Method<ListPayments, PaymentList>("payment.list", .partition, role: .operator)
}

public enum SaleMethods {
    public static let create = Method<CreateSale, Sale>(
        "sale.create", .keyed, priority: .high, role: .operator)
    /// Opens, closes or adds units, each under a request key of its own.
    public static let change = Method<ChangeSale, Sale>(
        "sale.change", .keyed, priority: .high, role: .operator)
    public static let get = Method<GetSale, Sale>("sale.get", .keyed)
    /// A sale as it is, and again whenever it changes.
    public static let watch = StreamMethod<WatchSale, SaleUpdate>("sale.watch", .serverStream, .keyed)
    /// The sales of one partition.
    public static let list = Method<ListSales, SaleList>("sale.list", .partition)
}

/// Locks for services: leases over the Redis nodes, with a fence from the ledger. Any worker serves them.
public enum LockMethods {
    /// Takes a lock, waiting for it if asked to.
    public static let acquire = Method<AcquireLock, HeldLock>("lock.acquire", .free)
    /// Makes a lock last longer.
    public static let extend = Method<ExtendLock, ExtendedLock>("lock.extend", .free, priority: .high)
    /// Gives a lock up.
    public static let release = Method<ReleaseLock, Empty>("lock.release", .free, priority: .high)
}

/// How buyers are reached. Any process that sends notifications serves them.
public enum ContactMethods {
    /// Says how a sale's buyer is reached from now on.
    public static let set = Method<Contact, Empty>("contact.set", .free)
    /// Forgets it, everywhere.
    public static let erase = Method<EraseContact, ErasedContact>("contact.erase", .free, priority: .high)
    /// Shows it, to an operator.
    public static let get = Method<GetContact, Contact>("contact.get", .free, role: .operator)
}

/// Methods of the cluster's own processes.
public enum SystemMethods {
    /// Answered by the broker itself.
    public static let brokerStatus = Method<Empty, BrokerStatus>(
        "broker.status", .free, role: .operator)
    /// Answered by any worker: shows that calls reach one.
    public static let ping = Method<Empty, WorkerPing>("worker.ping", .free)
    /// Has one worker hand its partitions over and end; routed by the worker's name.
    public static let drain = Method<DrainWorker, Empty>(
        "worker.drain", .free, priority: .high, role: .operator)
    /// Forces the state of a breaker of one worker, or asks how they are; routed by the worker's name.
    public static let breaker = Method<ForceBreaker, BreakerStates>(
        "worker.breaker", .free, priority: .high, role: .operator)
    /// How the Redis nodes are for one worker; routed by the worker's name.
    public static let redis = Method<AskRedis, RedisStates>(
        "worker.redis", .free, priority: .high, role: .operator)
    /// A successor asks the owner of a partition to hand it over.
    public static let yield = Method<YieldPartition, Empty>(
        "partition.yield", .partition, priority: .system, role: .worker)
}
