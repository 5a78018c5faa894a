public import Wire

/// What reflection says of the methods of this project. The bodies on the hot path are read and written by
/// hand, so their fields are told by hand too; a test compares them with what is written.
extension MethodDescription {
    /// Answered by every broker itself.
    public static let ofBrokers: [MethodDescription] = [
        .unary(
            HealthMethods.check, "Whether a service can be called now.",
            "HealthCheck", "Health", [.healthCheck, .health]),
        .stream(
            HealthMethods.watch, "A service's health at once, and then with every change.",
            "HealthCheck", "Health", [.healthCheck, .health]),
        .unary(
            ReflectionMethods.list, "The methods that can be called here.", "Empty", "MethodList",
            [.methodList, .method]),
        .unary(
            ReflectionMethods.describe, "What a method is, with the fields of its request and reply.",
            "DescribeMethod", "MethodDescription",
            [.describeMethod, .methodDescription, .typeDescription, .field]),
        .unary(
            SystemMethods.brokerStatus, "What this broker sees: workers, owners of partitions, gates, rates.",
            "Empty", "BrokerStatus", [.brokerStatus, .worker, .partitionOwner, .gate]),
    ]

    /// Answered by the workers that own sales.
    public static let ofSales: [MethodDescription] = [
        .unary(
            OrderMethods.place, "Places an order. Safe to repeat with the same key.",
            "PlaceOrder", "Order", [.placeOrder, .order]),
        .unary(
            OrderMethods.placeMany, "Places several orders of one sale, each with an answer of its own.",
            "PlaceMany", "PlacedMany", [.placeMany, .orderRequest, .placedMany, .placedAnswer, .order]),
        .unary(
            OrderMethods.settle,
            "Ends an unknown outcome: returns the order, or makes sure that there is none.",
            "SettleOrder", "Settlement", [.settleOrder, .settlement, .order]),
        .stream(
            OrderMethods.wait,
            "Waits for units that come back: where the caller stands, until it has an order.",
            "WaitOrder", "WaitState", [.waitOrder, .waitState, .order]),
        .unary(
            OrderMethods.list, "The orders of a sale, or of one of its buyers, page by page.", "ListOrders",
            "OrderList", [.listOrders, .orderList, .order]),
        .stream(
            OrderMethods.watch, "An order as it is, and again whenever it changes.", "WatchOrder",
            "OrderUpdate", [.watchOrder, .orderUpdate, .order]),
        .unary(OrderMethods.get, "Looks an order up by its id.", "GetOrder", "Order", [.getOrder, .order]),
        .unary(
            OrderMethods.receipt, "Proof of what was decided about an order.", "GetReceipt", "OrderReceipt",
            [.getReceipt, .orderReceipt]),
        .unary(
            OrderMethods.cancel, "Gives an order up that is not paid: for its buyer.", "CancelOrder", "Order",
            [.cancelOrder, .order]),
        .unary(
            OrderMethods.revoke, "Ends an order, paid or not, and says why.", "RevokeOrder", "Order",
            [.revokeOrder, .order]),
        .unary(
            PaymentMethods.begin, "Opens an attempt to pay.", "BeginPayment", "Order",
            [.beginPayment, .order]),
        .unary(
            PaymentMethods.record, "Tells what became of an attempt's money.", "RecordPayment", "Order",
            [.recordPayment, .order]),
        .unary(
            PaymentMethods.list, "Attempts to pay that somebody still has to see to.", "ListPayments",
            "PaymentList", [.listPayments, .unsettledPayment, .paymentList, .payment, .order]),
        .unary(SaleMethods.create, "Creates a sale.", "CreateSale", "Sale", [.createSale, .sale]),
        .unary(
            SaleMethods.change, "Opens a sale, closes it, or adds units.", "ChangeSale", "Sale",
            [.changeSale, .sale]),
        .unary(SaleMethods.get, "Looks a sale up.", "GetSale", "Sale", [.getSale, .sale]),
        .stream(
            SaleMethods.watch, "A sale as it is, and again whenever it changes.", "WatchSale", "SaleUpdate",
            [.watchSale, .saleUpdate, .sale]),
        .unary(
            SaleMethods.list, "The sales of one partition.", "ListSales", "SaleList",
            [.listSales, .saleList, .sale]),
        .unary(
            SystemMethods.ping, "Shows that calls reach a worker.", "Empty", "WorkerPing", [.workerPing]),
        .unary(
            SystemMethods.drain, "Has the worker of that name hand its partitions over and end.",
            "DrainWorker", "Empty", [.drainWorker]),
        .unary(
            SystemMethods.breaker,
            "Forces a state of a breaker of the worker of that name, or tells how they are.",
            "ForceBreaker", "BreakerStates", [.forceBreaker, .breakerStates, .breakerState]),
        .unary(
            SystemMethods.redis, "How the Redis nodes are for the worker of that name.",
            "AskRedis", "RedisStates", [.askRedis, .redisStates, .redisUse, .redisNodeState]),
        .unary(
            SystemMethods.yield, "Asks the owner of a partition to hand it over; for workers only.",
            "YieldPartition", "Empty", [.yieldPartition]),
    ]

    /// Answered by the workers, whatever they own.
    public static let ofLocks: [MethodDescription] = [
        .unary(
            LockMethods.acquire, "Takes a lock, waiting for it if asked to.", "AcquireLock", "HeldLock",
            [.acquireLock, .heldLock]),
        .unary(
            LockMethods.extend, "Makes a lock last longer.", "ExtendLock", "ExtendedLock",
            [.extendLock, .extendedLock]),
        .unary(
            LockMethods.release, "Gives a lock up. Safe to repeat.", "ReleaseLock", "Empty", [.releaseLock]),
    ]

    /// Answered by the processes that send notifications.
    public static let ofContacts: [MethodDescription] = [
        .unary(
            ContactMethods.set, "Says how a sale's buyer is reached from now on.", "Contact", "Empty",
            [.contact]),
        .unary(
            ContactMethods.erase, "Forgets how a sale's buyer is reached.", "EraseContact", "ErasedContact",
            [.eraseContact, .erasedContact]),
        .unary(
            ContactMethods.get, "Shows how a sale's buyer is reached.", "GetContact", "Contact",
            [.getContact, .contact]),
    ]

    /// Answered by a process that talks to a payment provider.
    public static let ofPayments: [MethodDescription] = [
        .unary(
            OrderMethods.pay, "Pays for an order. Safe to repeat with the same attempt.", "PayOrder", "Order",
            [.payOrder, .order])
    ]

    private static func unary<Request, Reply>(
        _ method: Method<Request, Reply>, _ about: String, _ request: String, _ reply: String,
        _ types: [TypeDescription]
    ) -> MethodDescription {
        MethodDescription(
            name: method.name, kind: .unary, routing: method.routing, priority: method.priority,
            about: about, request: request, reply: reply, types: types)
    }

    private static func stream<Request, Reply>(
        _ method: StreamMethod<Request, Reply>, _ about: String, _ request: String, _ reply: String,
        _ types: [TypeDescription]
    ) -> MethodDescription {
        let kind: MethodKind =
            switch method.kind {
            case .serverStream: .serverStream
            case .clientStream: .clientStream
            case .bidirectional: .bidirectional
            }
        return MethodDescription(
            name: method.name, kind: kind, routing: method.routing, priority: method.priority,
            about: about, request: request, reply: reply, types: types)
    }
}

extension TypeDescription {
    static let placeOrder = TypeDescription(
        "PlaceOrder",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("buyer", "int", "Who buys, above 0."), ("quantity", "int", "Units, from 1."),
            ("key", "key", "Names the request, the same in every attempt."),
        ])
    static let placeMany = TypeDescription(
        "PlaceMany",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("key", "key", "Names the call."), ("orders", "array of OrderRequest", "1 to 256 of them."),
        ])
    static let orderRequest = TypeDescription(
        "OrderRequest",
        [
            ("buyer", "int", "Who buys, above 0."), ("quantity", "int", "Units, from 1."),
            ("key", "key", "Names this order's request, the same in every attempt."),
        ])
    static let placedMany = TypeDescription(
        "PlacedMany", [("answers", "array of PlacedAnswer", "One per request, in their order.")])
    static let placedAnswer = TypeDescription(
        "PlacedAnswer",
        [
            ("order", "Order?", "The order; without it the request was refused."),
            ("status", "int?", "As in a RESULT."), ("reason", "int?", "As in a RESULT."),
            ("message", "string?", "A sentence for people."), ("left", "int?", "Units left (notEnough)."),
            ("limit", "int?", "What a buyer may hold (overLimit)."),
            ("held", "int?", "What this one holds (overLimit), or units of orders that are not paid yet."),
            ("waiting", "int?", "How many wait for what comes back."),
            ("next", "time?", "When the next unit may come back."),
            ("opens", "time?", "When the sale opens (notYetOpen)."),
        ])
    static let waitOrder = TypeDescription(
        "WaitOrder",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("buyer", "int", "Who waits, above 0."), ("quantity", "int", "Units, from 1."),
            ("key", "key", "Names the request, the same in every attempt, and the order that it leads to."),
        ])
    static let waitState = TypeDescription(
        "WaitState",
        [
            ("state", "string", "\"waiting\", \"offered\" or \"ended\"; the last two are final."),
            ("ahead", "int?", "How many come first."), ("waiting", "int?", "How many wait in all."),
            ("order", "Order?", "Holds the units, for as long as it says."),
            (
                "end", "string?", "\"sale-closed\", \"ran-out\", \"over-limit\" or \"given-up\"."
            ),
        ])
    static let listOrders = TypeDescription(
        "ListOrders",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("buyer", "int?", "Only this one's."), ("state", "string?", "Only those in it now."),
            ("after", "int?", "The next of the page before."), ("limit", "int?", "1 to 200; left out: 200."),
        ])
    static let orderList = TypeDescription(
        "OrderList",
        [
            ("orders", "array of Order", "In the order of their placing; perhaps none although more follow."),
            ("next", "int?", "Asks for the next page; left out: there is none."),
        ])
    static let watchOrder = TypeDescription(
        "WatchOrder",
        [("order", "order id", ""), ("version", "int?", "What the caller knows; left out: nothing.")])
    static let orderUpdate = TypeDescription(
        "OrderUpdate",
        [("order", "Order", ""), ("missed", "int?", "Changes before this one that were not told.")])
    static let watchSale = TypeDescription(
        "WatchSale",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("from", "int?", "Sequence of the last update that the caller has."),
        ])
    static let saleUpdate = TypeDescription(
        "SaleUpdate",
        [
            ("sale", "Sale", ""), ("sequence", "int", "To come back from."),
            ("rate", "int", "Orders placed a second."),
            ("missed", "bool", "Something may have happened since the caller's sequence that is not told."),
        ])
    static let settleOrder = TypeDescription(
        "SettleOrder",
        [
            ("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale."),
            ("buyer", "int", "Who bought."), ("key", "key", "The key of the order's request."),
        ])
    static let settlement = TypeDescription(
        "Settlement",
        [
            ("state", "string", "\"placed\" or \"voided\"."),
            ("order", "Order?", "The order that was placed."),
        ])
    static let getOrder = TypeDescription("GetOrder", [("order", "order id", "Such as 12-4711.")])
    static let getReceipt = TypeDescription(
        "GetReceipt",
        [
            ("order", "order id", "Such as 12-4711."),
            ("entry", "int?", "Sequence of an entry about it; left out: the one that placed it."),
        ])
    static let orderReceipt = TypeDescription(
        "OrderReceipt",
        [
            ("leaf", "binary", "The entry."), ("path", "binary", "Digests up to the root of its batch."),
            ("header", "binary", "Of the batch."), ("place", "int", "Of the batch in its transaction."),
            ("size", "int", "Batches in the transaction."),
            ("siblings", "binary", "Digests up to the root of the transaction."),
            ("signer", "binary?", "Names the public key; left out: nobody signed."),
            ("signature", "binary?", "Ed25519 over the root of the transaction."),
        ])
    static let order = TypeDescription(
        "Order",
        [
            ("order", "order id", "Partition and sequence of its first entry."), ("sale", "int", ""),
            ("lane", "int", ""), ("buyer", "int", ""), ("key", "key", "Of the request that placed it."),
            ("quantity", "int", ""), ("amount", "int", "In minor units, such as cents."),
            ("currency", "string", "Three letters."), ("placed", "time", "By the ledger's clock."),
            (
                "state", "string",
                "\"reserved\", \"paying\", \"paid\", \"refunding\", \"refunded\", \"expired\" or \"cancelled\"."
            ),
            ("version", "int?", "Entries about it; left out: 1."),
            ("until", "time?", "When it expires if nothing happens."),
            ("attempt", "key?", "To pay, that is open or paid."),
        ])
    static let cancelOrder = TypeDescription(
        "CancelOrder",
        [("order", "order id", ""), ("buyer", "int", "Whose it is."), ("key", "key", "Names the request.")])
    static let revokeOrder = TypeDescription(
        "RevokeOrder",
        [
            ("order", "order id", ""), ("key", "key", "Names the request."),
            ("actor", "string", "Who wants it, 1 to 200 bytes."),
            ("reason", "string", "Why, 1 to 200 bytes."),
        ])
    static let payOrder = TypeDescription(
        "PayOrder",
        [
            ("order", "order id", ""), ("buyer", "int", "Whose it is."),
            ("attempt", "key", "Names the attempt, the same in every repetition, also for the provider."),
            ("token", "string", "The means of payment as the provider knows it, 1 to 255 bytes."),
        ])
    static let beginPayment = TypeDescription(
        "BeginPayment",
        [
            ("order", "order id", ""), ("buyer", "int", "Whose it is."),
            ("attempt", "key", "Names the attempt, also for the provider."),
        ])
    static let recordPayment = TypeDescription(
        "RecordPayment",
        [
            ("order", "order id", ""), ("attempt", "key", ""),
            ("outcome", "string", "\"taken\", \"failed\" or \"refunded\"."),
        ])
    static let listPayments = TypeDescription(
        "ListPayments",
        [("partition", "int", "From 0."), ("after", "UnsettledPayment?", "The last one of the list before.")])
    static let unsettledPayment = TypeDescription(
        "UnsettledPayment",
        [("order", "int", "Its sequence."), ("attempt", "key", ""), ("owed", "bool", "Money is to go back.")])
    static let paymentList = TypeDescription(
        "PaymentList", [("payments", "array of Payment", "At most 100; a full list has a successor.")])
    static let payment = TypeDescription(
        "Payment", [("order", "Order", ""), ("attempt", "key", ""), ("owed", "bool", "Money is to go back.")])
    static let createSale = TypeDescription(
        "CreateSale",
        [
            ("sale", "int", "Number of the sale, above 0."), ("key", "key", "Names the request."),
            ("name", "string", "For people."), ("price", "int", "Per unit, in minor units."),
            ("currency", "string", "Three letters."), ("units", "int", "On sale from the start."),
            ("limit", "int", "Units that one buyer may hold."),
            ("opens", "time?", "Left out: at once."), ("closes", "time?", "Left out: by hand."),
            ("hold", "int?", "Seconds that an order is held for its payment; left out: for ever."),
            ("payment", "int?", "Seconds that an attempt to pay may take; left out: 120."),
        ])
    static let changeSale = TypeDescription(
        "ChangeSale",
        [
            ("sale", "int", "Number of the sale."), ("key", "key", "Names the request."),
            (
                "change", "string",
                "\"open\", \"close\", \"add-units\", \"withdraw-units\", \"pause\", \"resume\" or \"limit\"."
            ),
            ("units", "int?", "How many are added or withdrawn."), ("limit", "int?", "The new one."),
            ("actor", "string?", "Who wants it, 1 to 200 bytes."), ("reason", "string?", "Why; with actor."),
        ])
    static let getSale = TypeDescription(
        "GetSale", [("sale", "int", "Number of the sale."), ("lane", "int?", "Slice of a split sale.")])
    static let sale = TypeDescription(
        "Sale",
        [
            ("sale", "int", ""), ("lane", "int", ""), ("partition", "int", "The one it belongs to."),
            ("name", "string", ""), ("price", "int", "Per unit, in minor units."), ("currency", "string", ""),
            ("limit", "int", "Units that one buyer may hold."), ("opens", "time", ""),
            ("closes", "time?", ""),
            ("added", "int", "Units ever, less those withdrawn."),
            ("left", "int", "Units that can be bought now."),
            ("held", "int", "Units of orders that are not paid yet."), ("orders", "int", "Ever placed."),
            ("waiting", "int?", "How many wait for units that come back; left out: nobody."),
            (
                "state", "string",
                "\"scheduled\", \"open\", \"sold-out\", \"paused\" or \"closed\"."
            ),
            ("hold", "int?", "Seconds that an order is held; left out: for ever."),
            ("payment", "int?", "Seconds that an attempt to pay may take; left out: 120."),
        ])
    static let listSales = TypeDescription("ListSales", [("partition", "int", "From 0.")])
    static let saleList = TypeDescription(
        "SaleList",
        [("sales", "array of Sale", "At most 200."), ("cut", "bool", "There are more.")])
    static let acquireLock = TypeDescription(
        "AcquireLock",
        [
            ("name", "string", "1 to 128 letters, digits and -_.:/"), ("ttl_ms", "int", "100 to 60000."),
            ("wait_ms", "int?", "How long to wait for it; left out: not at all."),
        ])
    static let heldLock = TypeDescription(
        "HeldLock",
        [
            ("name", "string", ""), ("token", "key", "For extending and releasing it."),
            ("fence", "int", "Higher than that of every holder before."),
            ("valid_ms", "int", "For how long from the answer on."),
            ("waited_ms", "int", "What the answer took at least."),
        ])
    static let extendLock = TypeDescription(
        "ExtendLock",
        [("name", "string", ""), ("token", "key", "Of the holder."), ("ttl_ms", "int", "From now on.")])
    static let extendedLock = TypeDescription(
        "ExtendedLock",
        [
            ("valid_ms", "int", "For how long from the answer on."),
            ("waited_ms", "int", "What the answer took at least."),
        ])
    static let releaseLock = TypeDescription(
        "ReleaseLock", [("name", "string", ""), ("token", "key", "Of the holder.")])
    static let contact = TypeDescription(
        "Contact",
        [
            ("sale", "int", "Number of the sale."), ("buyer", "int", "Who is reached."),
            ("mail", "string?", "An address for mail; this or phone is there."),
            ("phone", "string?", "As E.164 writes it: + and 7 to 15 digits."),
            ("language", "string", "\"zh\" or \"en\"."),
        ])
    static let getContact = TypeDescription(
        "GetContact", [("sale", "int", "Number of the sale."), ("buyer", "int", "Who is reached.")])
    static let eraseContact = TypeDescription(
        "EraseContact", [("sale", "int", "Number of the sale."), ("buyer", "int", "Who is forgotten.")])
    static let erasedContact = TypeDescription(
        "ErasedContact",
        [
            ("known", "bool", "There was a contact."),
            ("under_way", "int", "Messages that were being handed over, and may still arrive."),
        ])
    static let workerPing = TypeDescription("WorkerPing", [("worker", "string", "The name of the worker.")])
    static let drainWorker = TypeDescription("DrainWorker", [("worker", "string", "The name of the worker.")])
    static let forceBreaker = TypeDescription(
        "ForceBreaker",
        [
            ("worker", "string", "The name of the worker."),
            (
                "purpose", "string?",
                "\"commit\", \"control\", \"locks\" or \"receipts\"; left out: changes nothing."
            ),
            (
                "state", "string?",
                "\"open\", \"closed\", \"disabled\" or \"metrics-only\"; left out: lifts it."
            ),
            ("seconds", "int?", "For how long, 1 to 3600; with a state."),
            ("actor", "string?", "Who does it, for the log; with a purpose."),
        ])
    static let breakerStates = TypeDescription(
        "BreakerStates", [("breakers", "array of BreakerState", "One per purpose.")])
    static let breakerState = TypeDescription(
        "BreakerState",
        [
            ("purpose", "string", ""),
            ("state", "string", "\"closed\", \"open\", \"half-open\" or \"recovering\": its own."),
            ("succeeded", "int", "Since its last change of state."), ("failed", "int", ""),
            ("slow", "int", ""),
            ("refused", "int", "By the breaker."), ("forced", "string?", "What decides in its stead."),
            ("actor", "string?", "Who forced it."), ("left_ms", "int?", "How long that lasts."),
        ])
    static let askRedis = TypeDescription("AskRedis", [("worker", "string", "The name of the worker.")])
    static let redisStates = TypeDescription(
        "RedisStates", [("uses", "array of RedisUse", "One per purpose, each with connections of its own.")])
    static let redisUse = TypeDescription(
        "RedisUse",
        [
            ("purpose", "string", "\"leases\" of partitions or \"locks\" of services."),
            ("acquired", "int", "Attempts since the worker began."), ("held", "int", "By another."),
            ("split", "int", "Each of several contenders had some of the nodes."), ("extended", "int", ""),
            ("lost", "int", "An extension found it taken or vanished."), ("no_quorum", "int", ""),
            ("least_left_ms", "int?", "Least time that was left of one when it was acquired."),
            ("nodes", "array of RedisNodeState", ""),
        ])
    static let redisNodeState = TypeDescription(
        "RedisNodeState",
        [
            ("address", "string", ""),
            (
                "state", "string",
                "\"voting\", \"absent\", \"refused\", \"quarantined\", \"suspended\" or \"silent\"."
            ),
            ("breaker", "string", "\"closed\", \"open\", \"half-open\" or \"recovering\"."),
            ("problem", "string", "Why it does not vote, or was last lost; empty for nothing."),
            ("yes", "int", "Votes since the worker began."), ("no", "int", ""), ("error", "int", ""),
            ("timeout", "int", ""), ("late", "int", "Came after their timeout."),
        ])
    static let yieldPartition = TypeDescription(
        "YieldPartition",
        [("partition", "int", ""), ("successor", "string", "Name of the worker that asks.")])
    static let brokerStatus = TypeDescription(
        "BrokerStatus",
        [
            ("name", "string", ""), ("uptime_ms", "int", ""), ("clients", "int", ""),
            ("in_flight", "int", "Calls that await an answer, parked ones included."),
            ("parked", "int", "Calls that wait for an owner."), ("calls", "int", "Since start."),
            ("malformed", "int", "Messages dropped since start."),
            ("refused", "int", "Calls refused by gates since start."), ("rate", "int", "Calls a second."),
            ("workers", "array of Worker", ""), ("partitions", "array of PartitionOwner", ""),
            ("gates", "array of Gate", "Those that are closed."),
        ])
    static let worker = TypeDescription(
        "Worker",
        [
            ("name", "string", ""), ("in_flight", "int", ""), ("calls", "int", "Answered since it joined."),
            ("rate", "int", "Answers a second."),
            ("lease_left_ms", "int?", "Shortest time left of its leases."),
            ("state", "string", "\"fit\", \"unfit\" or \"draining\"."),
            ("can_own", "bool", "It takes partitions; a host of services does not."),
        ])
    static let partitionOwner = TypeDescription(
        "PartitionOwner",
        [
            ("partition", "int", ""), ("owner", "string?", "Name of the worker."),
            ("fence", "int", "Highest heard."), ("parked", "int", "Calls that wait for an owner."),
        ])
    static let gate = TypeDescription(
        "Gate", [("sale", "int", ""), ("lane", "int", ""), ("partition", "int", "")])
    static let healthCheck = TypeDescription(
        "HealthCheck",
        [("service", "string?", "What stands before the last dot of its methods; left out: any.")])
    static let health = TypeDescription(
        "Health",
        [
            ("service", "string", ""), ("status", "string", "\"serving\", \"not-serving\" or \"unknown\"."),
            ("workers", "int", "Workers that serve it."), ("unowned", "int", "Partitions without an owner."),
        ])
    static let methodList = TypeDescription("MethodList", [("methods", "array of Method", "")])
    static let method = TypeDescription(
        "Method", [("name", "string", ""), ("kind", "string", ""), ("about", "string", "")])
    static let describeMethod = TypeDescription("DescribeMethod", [("method", "string", "Its name.")])
    static let methodDescription = TypeDescription(
        "MethodDescription",
        [
            ("name", "string", ""), ("kind", "string", ""), ("routing", "string", ""),
            ("priority", "string", ""),
            ("about", "string", ""), ("request", "string", "Name of a type."),
            ("reply", "string", "Name of a type."), ("types", "array of TypeDescription", ""),
        ])
    static let typeDescription = TypeDescription(
        "TypeDescription", [("name", "string", ""), ("fields", "array of Field", "")])
    static let field = TypeDescription(
        "Field",
        [("name", "string", ""), ("type", "string", ""), ("optional", "bool", ""), ("about", "string", "")])

    /// - Parameter fields: name, type, and words. A question mark after the type: it may be left out.
    private init(_ name: String, _ fields: [(String, String, String)]) {
        self.init(
            name: name,
            fields: fields.map { name, type, about in
                Field(
                    name: name, type: type.hasSuffix("?") ? String(type.dropLast()) : type,
                    optional: type.hasSuffix("?"), about: about)
            })
    }
}
