import Methods
import Sales
import Testing
import Wire
import WireTestSupport

/// The page's frames are what the code writes and reads.
@Suite struct ProtocolFrameTests {
    /// A frame of the page, and the value that it must hold.
    struct Meaning: Sendable, CustomStringConvertible {
        let description: String
        let check: @Sendable (Header, [UInt8]) throws -> Void

        init<Body: MessageBody & Equatable>(
            _ title: String, _ body: Body, header: Header? = nil
        ) {
            description = title
            check = { found, bytes in
                let read = try Sample.decode(bytes, as: Body.self)
                #expect(read == body)
                #expect(Sample.encode(body) == bytes)
                guard var header else { return }
                // What an attempt adds to a request's header.
                header.callID = found.callID
                header.milliseconds = found.milliseconds
                if found.flags.contains(.retry) { header.flags.insert(.retry) }
                #expect(header == found)
            }
        }

        init<Request: MessageBody & Routed & Equatable, Reply>(
            _ title: String, _ method: Method<Request, Reply>, _ request: Request
        ) {
            self.init(title, request, header: method.header(for: request))
        }
    }

    static let meanings: [Meaning] = [
        Meaning(
            "A first attempt of `order.place`, five seconds left", OrderMethods.place,
            PlaceOrder(sale: Sample.sale, buyer: BuyerID(rawValue: 42), quantity: 2, key: Sample.key)),
        Meaning("The yes", Sample.order),
        Meaning("A no of the owner", FailureBody(message: "Only 1 units are left; ask for fewer.", left: 1)),
        Meaning("A no of a gate", FailureBody(message: "The sale is sold out.")),
        Meaning(
            "`order.settle`, in a second attempt", OrderMethods.settle,
            SettleOrder(sale: Sample.sale, buyer: BuyerID(rawValue: 42), key: Sample.key)),
        Meaning("Settled: there is no such order, and never will be", Settlement.voided),
        Meaning(
            "`sale.create`, opening at once, closed by hand", SaleMethods.create,
            CreateSale(
                sale: Sample.sale, key: Sample.key, name: "Lamp", price: 199_900, currency: "EUR",
                units: 1_000,
                limit: 2)),
        Meaning(
            "`sale.change`", SaleMethods.change,
            ChangeSale(sale: Sample.sale, key: Sample.key, change: .addUnits(500))),
        Meaning(
            "`sale.list` of partition 12", SaleMethods.list, ListSales(partition: Partition(rawValue: 12))),
        Meaning(
            "`order.wait`: a place in the waiting list",
            WaitOrder(sale: Sample.sale, buyer: BuyerID(rawValue: 42), quantity: 2, key: Sample.key)),
        Meaning("Two come first, of three hundred", WaitState.waiting(ahead: 2, of: 300)),
        Meaning(
            "`order.list`: a buyer's orders, the second page", OrderMethods.list,
            ListOrders(sale: Sample.sale, buyer: BuyerID(rawValue: 42), after: 4_711, limit: 50)),
        Meaning("`broker.status`", SystemMethods.brokerStatus, Empty()),
        Meaning(
            "`order.place_many`: two orders in one call", OrderMethods.placeMany,
            PlaceMany(
                sale: Sample.sale, key: Sample.key,
                orders: [
                    OrderRequest(
                        buyer: BuyerID(rawValue: 42), quantity: 2,
                        key: RequestKey(rawValue: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)),
                    OrderRequest(
                        buyer: BuyerID(rawValue: 43), quantity: 1,
                        key: RequestKey(rawValue: 0xfedc_ba98_7654_3210_fedc_ba98_7654_3210)),
                ])),
        Meaning(
            "`lock.acquire`, waiting for up to two seconds", LockMethods.acquire,
            AcquireLock(name: Sample.lock, ttl: 10_000, wait: 2_000)),
        Meaning("The lock, after 1.2 seconds", Sample.heldLock),
        Meaning(
            "`lock.extend`", LockMethods.extend,
            ExtendLock(name: Sample.lock, token: Sample.heldLock.token, ttl: 10_000)),
        Meaning(
            "`lock.release`", LockMethods.release,
            ReleaseLock(name: Sample.lock, token: Sample.heldLock.token)),
        Meaning("`contact.set`", ContactMethods.set, Sample.contact),
        Meaning(
            "`contact.erase`", ContactMethods.erase,
            EraseContact(sale: Sample.sale, buyer: Sample.contact.buyer)),
        Meaning("Erased, with one message under way", ErasedContact(wasKnown: true, underWay: 1)),
        Meaning(
            "DESCRIBE",
            MethodDescription(
                name: "greeter.hello", kind: .unary, about: "Greets by name.", request: "Hello",
                reply: "Greeting",
                types: [
                    TypeDescription(
                        name: "Hello",
                        fields: [.init(name: "name", type: "string", about: "Who is greeted.")])
                ])),
        Meaning(
            "READY",
            Ready(
                name: "worker-1", incarnation: "7301934523456789012/1", partitions: 64,
                hash: RoutingKey.hashName, methods: [OrderMethods.place.id, OrderMethods.settle.id],
                credit: [4_096, 1_024, 16], leaseTTL: 3_000)),
        Meaning(
            "BEAT of a broker",
            BrokerBeat(
                live: ["worker-1", "worker-2"], unowned: [Partition(rawValue: 3)],
                dead: [DeadHolder(partition: Partition(rawValue: 3), token: Sample.token)])),
        Meaning(
            "BEAT of a worker that keeps one gate closed",
            WorkerBeat(isFit: true, leaseLeft: 2_400, gates: [Sample.gate])),
        Meaning(
            "OWN",
            Own(
                partition: Partition(rawValue: 12), fence: Fence(rawValue: 5),
                incarnation: "7301934523456789012/1", gates: [Sample.gate], holder: Sample.token)),
        Meaning("DISOWN", Disown(partition: Partition(rawValue: 12), fence: Fence(rawValue: 5))),
    ]

    @Test(arguments: meanings)
    func `a frame of the page is what the code writes`(meaning: Meaning) throws {
        let frame = try #require(ProtocolDocument.shared.frame(meaning.description))
        let header = try Header(decoding: frame.bytes.span)
        try meaning.check(header, Array(frame.bytes[Header.size...]))
    }

    @Test func `the page lists every method with its number and routing`() {
        func row<Request, Reply>(_ method: Method<Request, Reply>) -> [String] {
            let digits = String(method.id.rawValue, radix: 16)
            return [
                method.name, "0x" + String(repeating: "0", count: 16 - digits.count) + digits,
                "\(method.routing)", "\(method.priority)", "\(method.role)", "\(Request.self)",
                "\(Reply.self)",
            ]
        }
        func row<Request, Reply>(_ method: StreamMethod<Request, Reply>) -> [String] {
            let unary = row(
                Method<Request, Reply>(method.name, method.routing, priority: method.priority))
            return unary.dropLast() + ["stream of \(Reply.self)"]
        }
        let rows = [
            row(OrderMethods.place), row(OrderMethods.placeMany), row(OrderMethods.settle),
            row(OrderMethods.wait), row(OrderMethods.get), row(OrderMethods.list), row(OrderMethods.watch),
            row(OrderMethods.receipt), row(OrderMethods.cancel), row(OrderMethods.revoke),
            row(OrderMethods.pay),
            row(PaymentMethods.begin), row(PaymentMethods.record), row(PaymentMethods.list),
            row(SaleMethods.create),
            row(SaleMethods.change), row(SaleMethods.get), row(SaleMethods.watch), row(SaleMethods.list),
            row(LockMethods.acquire), row(LockMethods.extend), row(LockMethods.release),
            row(ContactMethods.set), row(ContactMethods.erase), row(ContactMethods.get),
            row(HealthMethods.check), row(HealthMethods.watch), row(ReflectionMethods.list),
            row(ReflectionMethods.describe), row(SystemMethods.brokerStatus), row(SystemMethods.ping),
            row(SystemMethods.drain), row(SystemMethods.breaker), row(SystemMethods.redis),
            row(SystemMethods.yield),
        ]
        #expect(ProtocolDocument.shared.table("method", "number") == rows)
        #expect(Set(rows.map { $0[1] }).count == rows.count)
    }

    @Test func `the nodes of two purposes fit in a message, however many and in whatever trouble`() {
        var votes = RedisNodeState.Votes()
        (votes.yes, votes.no, votes.error, votes.timeout, votes.late) = (.max, .max, .max, .max, .max)
        let node = RedisNodeState(
            address: "unix:" + String(repeating: "x", count: 107), state: "quarantined",
            breaker: "recovering", problem: String(repeating: "ä", count: 1_000), votes: votes)
        #expect(node.problem.utf8.count == RedisNodeState.longestProblem)
        let use = RedisUse(
            purpose: "leases", outcomes: RedisUse.Outcomes(), nodes: Array(repeating: node, count: 64))
        #expect(Header.size + Sample.encode(RedisStates(uses: [use, use])).count <= Limits.messageSize)
    }

    @Test func `the largest beat fits in a message`() {
        let gate = ClosedGate(
            method: MethodID(rawValue: .max), routing: RoutingKey(sale: .max, lane: .min),
            partition: Partition(rawValue: .max), fence: Fence(rawValue: .max), change: .max,
            reason: .clockUncertain,
            outlook: Outlook(held: .max, next: LedgerTime(rawValue: .max), waiting: .max), passes: .max)
        let gates = [ClosedGate](repeating: gate, count: WorkerBeat.maximumGates)
        let beat = WorkerBeat(isFit: true, leaseLeft: .max, gates: gates)
        #expect(Header.size + Sample.encode(beat).count <= Limits.messageSize)
    }
}
