import Methods
import Sales
import Wire

/// One of every body, full and bare.
struct Sample: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]
    /// Decodes and writes again, or throws.
    let roundTrip: @Sendable ([UInt8]) throws -> [UInt8]
    /// True when decoding the bytes gives back what was written.
    let isReadAsWritten: @Sendable () throws -> Bool

    init<Body: MessageBody & Equatable>(_ name: String, _ body: Body) {
        description = "\(Body.self), \(name)"
        let written = Sample.encode(body)
        bytes = written
        roundTrip = { bytes in Sample.encode(try Sample.decode(bytes, as: Body.self)) }
        isReadAsWritten = { try Sample.decode(written, as: Body.self) == body }
    }

    static func encode(_ body: some MessageBody) -> [UInt8] {
        var writer = MessagePackWriter()
        body.encode(into: &writer)
        return writer.bytes
    }

    /// The whole of the bytes as one body.
    static func decode<Body: MessageBody>(_ bytes: [UInt8], as: Body.Type) throws(WireError) -> Body {
        var offset = 0
        let body = try Body(decoding: bytes.span, at: &offset)
        guard offset == bytes.count else { throw WireError(.trailingBytes, at: offset) }
        return body
    }
}

extension Sample {
    static let key = RequestKey(rawValue: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)
    static let token = HolderToken(rawValue: key.rawValue)
    static let sale = SaleID(rawValue: 7)
    static let time = LedgerTime(rawValue: 1_764_000_000_123_456)
    static let longName = String(repeating: "é", count: 60)

    static let order = Order(
        id: OrderID(partition: Partition(rawValue: 12), sequence: 4_711), sale: sale, lane: .only,
        buyer: BuyerID(rawValue: 42), key: key, quantity: 2, amount: 399_800, currency: "EUR", placedAt: time)
    static let gate = ClosedGate(
        method: OrderMethods.place.id, routing: RoutingKey(sale: 7, lane: 0),
        partition: Partition(rawValue: 12), fence: Fence(rawValue: 5), change: 4_711, reason: .soldOut)

    static func sale(_ state: Sale.State, closes: LedgerTime?) -> Sale {
        Sale(
            id: sale, lane: Lane(rawValue: 3), partition: Partition(rawValue: 12),
            terms: SaleTerms(
                name: longName, price: 199_900, currency: "EUR", limit: 2, opensAt: time, closesAt: closes),
            added: 1_000, left: 0, orders: 777, state: state)
    }

    static let status = BrokerStatus(
        name: "broker-1", uptimeMilliseconds: 1, clients: 2, inFlight: 3, parked: 4, calls: 5, malformed: 6,
        gateRefusals: 7, rate: 8,
        workers: [
            .init(
                name: "w1", inFlight: 1, calls: 2, rate: 3, leaseLeftMilliseconds: 2_500, state: "fit"),
            .init(name: "w2", inFlight: 0, calls: 0, rate: 0, leaseLeftMilliseconds: nil, state: "unfit"),
        ],
        partitions: (0..<20).map {
            .init(
                partition: Partition(rawValue: $0), owner: $0 == 3 ? nil : "w1",
                fence: Fence(rawValue: Int64($0)), parked: 0)
        },
        gates: [.init(sale: sale, lane: .only, partition: Partition(rawValue: 4))])

    static var waitedSale: Sale {
        var sale = sale(.open, closes: nil)
        sale.waiting = 12
        return sale
    }

    static let forced = BreakerState.Forced(state: "open", actor: longName, leftMilliseconds: 59_999)

    static func breaker(_ forced: BreakerState.Forced?) -> BreakerState {
        BreakerState(
            purpose: "commit", state: "half-open", forced: forced,
            counts: .init(succeeded: 1, failed: 2, slow: 3, refused: .max))
    }

    static var paidOrder: Order {
        var paid = order
        (paid.state, paid.version, paid.until, paid.attempt) = (.paid, 4, time, key)
        return paid
    }

    static func payment(_ isOwed: Bool) -> PaymentList.Payment {
        .init(order: paidOrder, attempt: key, isOwed: isOwed)
    }

    static func redis(_ purpose: String, nodes: Int) -> RedisUse {
        var outcomes = RedisUse.Outcomes()
        (outcomes.acquired, outcomes.held, outcomes.split, outcomes.extended) = (1, 2, 3, .max)
        (outcomes.lost, outcomes.noQuorum) = (5, 6)
        if nodes != 1 { outcomes.leastLeftMilliseconds = 2_900 }
        return RedisUse(purpose: purpose, outcomes: outcomes, nodes: (0..<nodes).map(redisNode))
    }

    static func redisNode(_ number: Int) -> RedisNodeState {
        var votes = RedisNodeState.Votes()
        (votes.yes, votes.no, votes.error, votes.timeout, votes.late) = (1, 2, 3, 4, .max)
        return RedisNodeState(
            address: "unix:/run/redis-\(number).sock", state: "quarantined", breaker: "half-open",
            problem: longName, votes: votes)
    }

    static let all: [Sample] = requests + replies + control

    static let lock = LockName("report/2026-11")!
    static let heldLock = HeldLock(
        name: lock, token: LockToken(rawValue: key.rawValue), fence: 43, valid: 9_895, waited: 1_204)

    static let contact = Contact(
        sale: sale, buyer: BuyerID(rawValue: 42), mail: MailAddress("mei.lin@example.com"),
        phone: PhoneNumber("+8613800138000"), language: .chinese)

    static let requests: [Sample] = [
        Sample("by mail and phone", contact),
        Sample(
            "by phone",
            Contact(
                sale: sale, buyer: contact.buyer, phone: PhoneNumber("+4915112345678"), language: .english)),
        Sample("any", GetContact(sale: sale, buyer: contact.buyer)),
        Sample("any", EraseContact(sale: sale, buyer: contact.buyer)),
        Sample("one under way", ErasedContact(wasKnown: true, underWay: 1)),
        Sample("at once", AcquireLock(name: lock, ttl: 100)),
        Sample("waiting", AcquireLock(name: lock, ttl: 60_000, wait: 60_000)),
        Sample("any", ExtendLock(name: lock, token: heldLock.token, ttl: 10_000)),
        Sample("any", ReleaseLock(name: lock, token: heldLock.token)),
        Sample("one lane", WaitOrder(sale: sale, buyer: BuyerID(rawValue: 42), quantity: 2, key: key)),
        Sample(
            "a lane",
            WaitOrder(
                sale: sale, lane: Lane(rawValue: 2), buyer: BuyerID(rawValue: 42), quantity: 2, key: key)),
        Sample("bare", ListOrders(sale: sale)),
        Sample(
            "full",
            ListOrders(
                sale: sale, lane: Lane(rawValue: 2), buyer: BuyerID(rawValue: 42), state: .paid, after: .max,
                limit: 7)),
        Sample("bare", WatchOrder(order: order.id)),
        Sample("from a version", WatchOrder(order: order.id, version: .max)),
        Sample("bare", WatchSale(sale: sale)),
        Sample("from a sequence", WatchSale(sale: sale, lane: Lane(rawValue: 2), from: 0)),
        Sample("one lane", PlaceOrder(sale: sale, buyer: BuyerID(rawValue: 42), quantity: 2, key: key)),
        Sample(
            "a lane and extremes",
            PlaceOrder(
                sale: SaleID(rawValue: .max), lane: Lane(rawValue: .min), buyer: BuyerID(rawValue: .min),
                quantity: .max, key: RequestKey(rawValue: .max))),
        Sample(
            "three",
            PlaceMany(
                sale: sale, lane: Lane(rawValue: 2), key: key,
                orders: (1...3).map { OrderRequest(buyer: BuyerID(rawValue: $0), quantity: 2, key: key) })),
        Sample("any", HealthCheck(service: "order")),
        Sample("none", HealthCheck()),
        Sample("any", DescribeMethod(method: "order.place")),
        Sample("any", SettleOrder(sale: sale, buyer: BuyerID(rawValue: 42), key: key)),
        Sample(
            "no window",
            CreateSale(
                sale: sale, key: key, name: "Lamp", price: 199_900, currency: "EUR", units: 1_000, limit: 2)),
        Sample(
            "a window",
            CreateSale(
                sale: sale, key: key, name: longName, price: 0, currency: "", units: .max, limit: .min,
                opensAt: time, closesAt: LedgerTime(rawValue: .max))),
        Sample("open", ChangeSale(sale: sale, key: key, change: .open)),
        Sample("close", ChangeSale(sale: sale, key: key, change: .close)),
        Sample("units", ChangeSale(sale: sale, key: key, change: .addUnits(500))),
        Sample("any", GetOrder(order: order.id)),
        Sample(
            "any",
            PayOrder(order: order.id, buyer: BuyerID(rawValue: .max), attempt: key, token: "tok_ok")),
        Sample("placed", GetReceipt(order: order.id)),
        Sample("entry", GetReceipt(order: order.id, entry: .max)),
        Sample(
            "unsigned",
            OrderReceipt(
                leaf: [1], path: [], header: Array(repeating: 7, count: OrderReceipt.headerSize), place: 0,
                size: 1, siblings: [], signature: nil)),
        Sample(
            "signed",
            OrderReceipt(
                leaf: Array(repeating: 1, count: 300),
                path: Array(repeating: 2, count: OrderReceipt.longestPath),
                header: Array(repeating: 7, count: OrderReceipt.headerSize), place: 3, size: 4,
                siblings: Array(repeating: 3, count: 64),
                signature: .init(
                    key: Array(repeating: 4, count: 8), bytes: Array(repeating: 5, count: 64)))),
        Sample("any", CancelOrder(order: order.id, buyer: BuyerID(rawValue: .max), key: key)),
        Sample("any", RevokeOrder(order: order.id, key: key, actor: "ada", reason: longName)),
        Sample("any", BeginPayment(order: order.id, buyer: BuyerID(rawValue: 42), attempt: key)),
        Sample("taken", RecordPayment(order: order.id, attempt: key, outcome: .taken)),
        Sample("failed", RecordPayment(order: order.id, attempt: key, outcome: .failed)),
        Sample("refunded", RecordPayment(order: order.id, attempt: key, outcome: .refunded)),
        Sample("first", ListPayments(partition: Partition(rawValue: 63))),
        Sample(
            "next",
            ListPayments(
                partition: Partition(rawValue: 0),
                after: UnsettledPayment(order: .max, attempt: key, isOwed: true))),
        Sample("any", UnsettledPayment(order: 7, attempt: key, isOwed: false)),
        Sample("withdraw", ChangeSale(sale: sale, key: key, change: .withdrawUnits(5))),
        Sample(
            "limit",
            ChangeSale(
                sale: sale, key: key, change: .limit(.max), note: .init(actor: longName, reason: "because"))),
        Sample("pause", ChangeSale(sale: sale, key: key, change: .pause)),
        Sample("resume", ChangeSale(sale: sale, key: key, change: .resume)),
        Sample(
            "a hold",
            CreateSale(
                sale: sale, key: key, name: "Lamp", price: 1, currency: "EUR", units: 1, limit: 1, hold: 900,
                payment: 60)),
        Sample("a lane", GetSale(sale: sale, lane: Lane(rawValue: 2))),
        Sample("any", ListSales(partition: Partition(rawValue: 63))),
        Sample("any", DrainWorker(worker: longName)),
        Sample("asking", ForceBreaker(worker: longName)),
        Sample("lifting", ForceBreaker(worker: longName, lifting: "commit", by: longName)),
        Sample(
            "forcing",
            ForceBreaker(worker: longName, forcing: "metrics-only", of: "control", seconds: .max, by: "ada")),
        Sample("any", AskRedis(worker: longName)),
        Sample("any", YieldPartition(partition: Partition(rawValue: 63), successor: longName)),
        Sample("any", Empty()),
    ]

    static let replies: [Sample] = [
        Sample("any", order),
        Sample("paid", paidOrder),
        Sample("two", PaymentList(payments: [payment(false), payment(true)])),
        Sample("owed", payment(true)),
        Sample("placed", Settlement.placed(order)),
        Sample("voided", Settlement.voided),
        Sample("scheduled", sale(.scheduled, closes: time)),
        Sample("open", sale(.open, closes: nil)),
        Sample("sold out", sale(.soldOut, closes: nil)),
        Sample("waited for", waitedSale),
        Sample("waiting", WaitState.waiting(ahead: 3, of: .max)),
        Sample("offered", WaitState.offered(paidOrder)),
        Sample("over the limit", WaitState.ended(.overLimit)),
        Sample("given up", WaitState.ended(.givenUp)),
        Sample("none", OrderList(orders: [], next: nil)),
        Sample("some, with more", OrderList(orders: [order, paidOrder], next: 4_712)),
        Sample("nothing missed", OrderUpdate(order: order, missed: 0)),
        Sample("some missed", OrderUpdate(order: paidOrder, missed: 2)),
        Sample("any", SaleUpdate(sale: waitedSale, sequence: 4_711, rate: 9, hasMissed: true)),
        Sample("closed", sale(.closed, closes: time)),
        Sample("empty", SaleList(sales: [], isCut: false)),
        Sample(
            "seventeen",
            SaleList(
                sales: (0..<17).map { _ in sale(.open, closes: nil) }, isCut: true)),
        Sample("any", WorkerPing(worker: "worker-1")),
        Sample("both", BreakerStates(breakers: [breaker(nil), breaker(forced)])),
        Sample("its own", breaker(nil)),
        Sample("forced", breaker(forced)),
        Sample("both", RedisStates(uses: [redis("leases", nodes: 5), redis("locks", nodes: 0)])),
        Sample("before the first lease", redis("leases", nodes: 1)),
        Sample("absent", redisNode(1)),
        Sample("full", status),
        Sample(
            "both",
            PlacedMany(answers: [
                .placed(order),
                .refused(.failedPrecondition, .notEnough, FailureBody(message: "no", left: 1)),
            ])),
        Sample("any", heldLock),
        Sample("any", ExtendedLock(valid: 1, waited: 0)),
        Sample("any", Health(service: "order", status: .notServing, workers: 2, unowned: 3)),
        Sample("any", MethodList(methods: [.init(name: "a.b", kind: "unary", about: "c")])),
        Sample("words", FailureBody(message: "no")),
        Sample("numbers", FailureBody(message: "", left: 1, limit: 2, held: -3, opens: time)),
    ]

    static let control: [Sample] = [
        Sample(
            "any",
            Ready(
                name: "worker-1", incarnation: "7301934523456789012/1", partitions: 64,
                hash: RoutingKey.hashName,
                methods: [OrderMethods.place.id, OrderMethods.settle.id], credit: [4_096, 1_024, 16],
                leaseTTL: 3_000)),
        Sample("gates", WorkerBeat(isFit: true, leaseLeft: 2_400, gates: [gate])),
        Sample(
            "services", WorkerBeat(isFit: true, leaseLeft: nil, gates: [], notServing: ["payments", "other"])),
        Sample("bare", WorkerBeat(isFit: false, leaseLeft: nil, gates: [], canTake: false)),
        Sample("any", gate),
        Sample(
            "that lets some pass, and says what may come back",
            ClosedGate(
                method: gate.method, routing: gate.routing, partition: gate.partition, fence: gate.fence,
                change: 1, reason: .waitersFirst, outlook: Outlook(held: 2, next: time, waiting: 3), passes: 4
            )),
        Sample(
            "with nothing that returns by itself",
            ClosedGate(
                method: gate.method, routing: gate.routing, partition: gate.partition, fence: gate.fence,
                change: 1, reason: .soldOut, outlook: Outlook(held: 0, next: nil, waiting: 0))),
        Sample("young", BrokerBeat(live: nil, unowned: nil)),
        Sample("any", BrokerBeat(live: ["worker-1", "worker-2"], unowned: [Partition(rawValue: 3)])),
        Sample(
            "the dead",
            BrokerBeat(
                live: [], unowned: [Partition(rawValue: 3)],
                dead: [DeadHolder(partition: Partition(rawValue: 3), token: token)])),
        Sample(
            "any",
            Own(
                partition: Partition(rawValue: 12), fence: Fence(rawValue: 5),
                incarnation: "7301934523456789012/1", gates: [gate])),
        Sample(
            "a lease",
            Own(
                partition: Partition(rawValue: 12), fence: Fence(rawValue: 5), incarnation: "", gates: [],
                holder: token)),
        Sample("any", Disown(partition: Partition(rawValue: 12), fence: Fence(rawValue: 5))),
    ]
}
