import Compression
import Logging
import Methods
import Redlock
import Sales
import Wire
import ZeroMQ

extension Worker {
    /// What this worker serves.
    private static let methods = descriptions.map { MethodID($0.name) }
    private static let descriptions = MethodDescription.ofSales + MethodDescription.ofLocks

    // MARK: Sessions

    func tendBrokers(_ now: MonotonicTime) {
        guard core != nil, !links.isEmpty else { return }
        let ready = ready()
        for link in links {
            let session = link.session
            let ended = link.tend(
                now, nextSession: { newSession() }, random: { random() }, ready: ready,
                receive: { [unowned self, unowned link] in receive(from: link) },
                introduced: {
                    describeMethods(to: link)
                    claimAll(to: link)
                    // Said once more: this broker does not know, and would count on us.
                    if core!.isDraining { link.send(Header(.drain), Empty()) }
                })
            if ended { lost(link, session, now) }
        }
    }

    private func newSession() -> UInt32 {
        defer { nextSession &+= 1 }
        return nextSession
    }

    private func ready() -> Ready {
        let credit = configuration.credit
        return Ready(
            name: configuration.name, incarnation: incarnation.map { "\($0)" } ?? "",
            partitions: Int32(core!.partitions.count), hash: hash, methods: Worker.methods,
            // What repairs and what moves partitions must get through when orders fill the worker.
            credit: [credit, credit / 4, 16, Int32(WatchDesk.maximum)],
            leaseTTL: configuration.leaseTTL.milliseconds)
    }

    func lost(_ link: BrokerLink, _ session: UInt32, _ now: MonotonicTime) {
        logger.warning("Lost a broker", metadata: ["broker": "\(link.endpoint)"])
        core?.membership.lost(session, now)
        core?.desk.end(session: session)
        partedFrom(session)
        partLocks(from: session)
        // Hand-overs asked for through it get no answer.
        let unanswered = asked
        asked = [:]
        for partition in unanswered.values { core?.yieldAnswered(partition, isGranted: false, now) }
    }

    private func describeMethods(to link: BrokerLink) {
        for description in Worker.descriptions { link.send(Header(.describe), description) }
    }

    /// Claims every partition that is served, in a session that has just begun.
    private func claimAll(to link: BrokerLink) {
        guard core != nil else { return }
        for index in core!.partitions.indices where core!.partitions[index].phase == .owned {
            claim(Partition(rawValue: Int16(index)), to: link)
        }
    }

    /// A broker that sees no owner where we are one has missed our claim, or did not take it then.
    private func reclaim(_ unowned: [Partition], from link: BrokerLink) {
        for partition in unowned {
            let index = Int(partition.rawValue)
            guard core != nil, core!.partitions.indices.contains(index),
                core!.partitions[index].phase == .owned
            else { continue }
            claim(partition, to: link)
        }
    }

    func claim(_ partition: Partition, to link: BrokerLink) {
        guard core != nil else { return }
        let index = Int(partition.rawValue)
        let gates = core!.closedGates(of: index, brokers: joinedBrokers, loop.now)
        let holder = core!.partitions[index].lease.map { HolderToken(rawValue: $0.token.rawValue) }
        var header = Header(.own)
        header.callID = link.stamp
        link.send(
            header,
            Own(
                partition: partition, fence: core!.partitions[index].fence,
                incarnation: incarnation.map { "\($0)" } ?? "", gates: gates, holder: holder))
    }

    func sendBeats() {
        guard core != nil else { return }
        let now = loop.now
        let beat = WorkerBeat(
            isFit: core!.isFit(now), leaseLeft: core!.leaseLeft(now),
            gates: core!.closedGates(brokers: joinedBrokers, now), canTake: core!.canTake(now))
        for link in links where link.isJoined {
            var header = Header(.beat)
            header.callID = link.stamp
            link.send(header, beat)
        }
    }

    private var joinedBrokers: Int { links.count { $0.isJoined } }

    // MARK: Receiving

    func receive(from link: BrokerLink) {
        // A worker that was stopped for a while may have lost its leases before it reads the first message.
        core?.tick(loop.now)
        for _ in 0..<Worker.drainLimit {
            guard link.receive(into: &message) else { return }
            do throws(WireError) {
                let header = try message.withBytes { bytes throws(WireError) in try Header(decoding: bytes) }
                link.heard(header.kind, loop.now)
                try handle(header, from: link)
            } catch {
                logger.warning(
                    "Dropped a malformed message of a broker",
                    metadata: ["broker": "\(link.endpoint)", "error": "\(error)"])
            }
        }
        loop.continueSoon()
    }

    private func handle(_ header: Header, from link: BrokerLink) throws(WireError) {
        switch header.kind {
        case .call:
            call(header, from: link)
        case .cancel:
            let to = ReplyAddress(session: link.session, callID: header.callID)
            dropGathering(to)
            cancelLock(to)
            cancelReceipt(to)
            core?.cancel(to)
            core?.desk.end(to)
        case .beat:
            let beat = try message.withBytes { bytes throws(WireError) in
                try Frame.decodeBody(bytes, header: header, as: BrokerBeat.self)
            }
            link.heardBeat(header)
            core?.membership.heard(beat, from: link.session, loop.now)
            reclaim(beat.unowned ?? [], from: link)
        case .result:
            guard let partition = asked.removeValue(forKey: header.callID) else { return }
            core?.yieldAnswered(partition, isGranted: header.status == .ok, loop.now)
        case .goAway:
            let (session, wasJoined) = (link.session, link.isJoined)
            link.end(loop.now, random())
            if wasJoined { lost(link, session, loop.now) }
        case .pong:
            partedFrom(link.session)
        case .credit:
            core?.desk.allow(
                ReplyAddress(session: link.session, callID: header.callID), header.sequence)
        case .ping, .data, .returned, .ready, .own, .disown, .drain, .describe:
            break
        }
    }

    private func call(_ header: Header, from link: BrokerLink) {
        let to = ReplyAddress(session: link.session, callID: header.callID)
        do throws(CallRefusal) {
            try decodeAndReceive(header, to)
        } catch {
            core?.desk.end(to)
            refuse(header, error, on: link)
        }
    }

    /// Decodes a request and gives it to the core. Only the body is trusted: a header that says otherwise was
    /// made by somebody who could route a request past its owner.
    private func decodeAndReceive(_ header: Header, _ to: ReplyAddress) throws(CallRefusal) {
        switch header.method {
        case OrderMethods.place.id:
            let body = try decode(header, as: PlaceOrder.self)
            try receive(.place(body), body.sale, body.lane, body.key, header, to)
        case OrderMethods.placeMany.id:
            // Before the body is read: a refusal must cost less than the call.
            guard gatherings.count < Worker.maximumGatherings else { throw .crowded }
            try placeMany(try decode(header, as: PlaceMany.self), header, to)
        case OrderMethods.settle.id:
            let body = try decode(header, as: SettleOrder.self)
            try receive(.settle(body), body.sale, body.lane, body.key, header, to)
        case OrderMethods.wait.id:
            let body = try decode(header, as: WaitOrder.self)
            // Called without a stream it tells once how the wait stands.
            if header.flags.contains(.stream) { try openStream(header, to) }
            try receive(.wait(body), body.sale, body.lane, body.key, header, to)
        case OrderMethods.list.id:
            let body = try decode(header, as: ListOrders.self)
            try receive(.listOrders(body), body.sale, body.lane, nil, header, to)
        case OrderMethods.watch.id:
            let body = try decode(header, as: WatchOrder.self)
            try openStream(header, to)
            let subject = WatchSubject.order(body.order.sequence, known: body.version)
            try receive(.watch(subject), body.order.partition, header, to)
        case SaleMethods.watch.id:
            let body = try decode(header, as: WatchSale.self)
            try openStream(header, to)
            let subject = WatchSubject.sale(body.sale, body.lane, from: body.from)
            try receive(.watch(subject), body.sale, body.lane, nil, header, to)
        case OrderMethods.get.id:
            let body = try decode(header, as: GetOrder.self)
            try receive(.getOrder(body.order.sequence), body.order.partition, header, to)
        case OrderMethods.receipt.id:
            let body = try decode(header, as: GetReceipt.self)
            try checkRoute(of: body.order.partition, header)
            receipt(body, to)
        case OrderMethods.cancel.id:
            let body = try decode(header, as: CancelOrder.self)
            try receive(.cancel(body), about: body.order, body.key, header, to)
        case OrderMethods.revoke.id:
            let body = try decode(header, as: RevokeOrder.self)
            try receive(.revoke(body), about: body.order, body.key, header, to)
        case PaymentMethods.begin.id:
            let body = try decode(header, as: BeginPayment.self)
            try receive(.beginPayment(body), about: body.order, body.attempt, header, to)
        case PaymentMethods.record.id:
            let body = try decode(header, as: RecordPayment.self)
            try receive(.recordPayment(body), about: body.order, body.attempt, header, to)
        case PaymentMethods.list.id:
            let body = try decode(header, as: ListPayments.self)
            try receive(.listPayments(body.after), body.partition, header, to)
        case SaleMethods.create.id:
            let body = try decode(header, as: CreateSale.self)
            try receive(.create(body), body.sale, .only, body.key, header, to)
        case SaleMethods.change.id:
            let body = try decode(header, as: ChangeSale.self)
            try receive(.change(body), body.sale, .only, body.key, header, to)
        case SaleMethods.get.id:
            let body = try decode(header, as: GetSale.self)
            try receive(.getSale(body.sale, body.lane), body.sale, body.lane, nil, header, to)
        case SaleMethods.list.id:
            let body = try decode(header, as: ListSales.self)
            try receive(.listSales, body.partition, header, to)
        case SystemMethods.yield.id:
            let body = try decode(header, as: YieldPartition.self)
            try checkRoute(of: body.partition, header)
            core?.yield(body, to: to, loop.now)
        case SystemMethods.drain.id:
            guard try decode(header, as: DrainWorker.self).worker == configuration.name else {
                throw .wrongRoute
            }
            logger.info("Draining, as an operator asked")
            core?.answer(to, 0, .yielded)
            drain()
        case SystemMethods.breaker.id:
            let body = try decode(header, as: ForceBreaker.self)
            guard body.worker == configuration.name else { throw .wrongRoute }
            forceBreaker(body, to)
        case SystemMethods.redis.id:
            guard try decode(header, as: AskRedis.self).worker == configuration.name else {
                throw .wrongRoute
            }
            answer(to, redisStates())
        case SystemMethods.ping.id:
            answer(to, WorkerPing(worker: configuration.name))
        case LockMethods.acquire.id:
            acquireLock(try decode(header, as: AcquireLock.self), header, to)
        case LockMethods.extend.id:
            extendLock(try decode(header, as: ExtendLock.self), to)
        case LockMethods.release.id:
            releaseLock(try decode(header, as: ReleaseLock.self), to)
        default:
            throw .unknownMethod
        }
    }

    private func openStream(_ header: Header, _ to: ReplyAddress) throws(CallRefusal) {
        guard header.flags.contains(.stream) else { throw .notStream }
        guard core?.desk.open(to) == true else { throw .manyStreams }
    }

    private func decode<Body: MessageBody>(_ header: Header, as: Body.Type) throws(CallRefusal) -> Body {
        do throws(WireError) {
            return try message.withBytes { bytes throws(WireError) in
                guard header.flags.contains(.compressed) else {
                    return try Frame.decodeBody(bytes, header: header, as: Body.self)
                }
                return try Worker.decodeCompressed(bytes, header, as: Body.self)
            }
        } catch {
            throw .malformed(error)
        }
    }

    private static func decodeCompressed<Body: MessageBody>(
        _ frame: Span<UInt8>, _ header: Header, as: Body.Type
    ) throws(WireError) -> Body {
        let start = Header.size + Int(header.metadataLength)
        let plain: [UInt8]
        do throws(CompressionError) {
            plain = try Compression.decompress(frame.extracting(start...))
        } catch {
            throw WireError(.badValue, at: start, field: "compressed body")
        }
        var offset = 0
        let body = try Body(decoding: plain.span, at: &offset)
        guard offset == plain.count else { throw WireError(.trailingBytes, at: offset) }
        return body
    }

    /// A request about a sale.
    private func receive(
        _ request: Request, _ sale: SaleID, _ lane: Lane, _ key: RequestKey?, _ header: Header,
        _ to: ReplyAddress
    ) throws(CallRefusal) {
        try checkRoute(sale, lane, key, header)
        guard let count = core?.partitions.count else { return }
        core!.receive(request, for: header.routing.partition(of: count), to: to, loop.now)
    }

    func checkRoute(
        _ sale: SaleID, _ lane: Lane, _ key: RequestKey?, _ header: Header
    ) throws(CallRefusal) {
        let routing = RoutingKey(sale: sale.rawValue, lane: lane.rawValue)
        guard header.routing == routing, header.flags.contains(.keyed), !header.flags.contains(.partition),
            key == nil || key?.rawValue == header.requestKey
        else { throw .wrongRoute }
    }

    /// A request about an order, under a key.
    private func receive(
        _ request: Request, about order: OrderID, _ key: RequestKey, _ header: Header, _ to: ReplyAddress
    ) throws(CallRefusal) {
        guard header.requestKey == key.rawValue else { throw .wrongRoute }
        try receive(request, order.partition, header, to)
    }

    /// A request about a partition.
    private func receive(
        _ request: Request, _ partition: Partition, _ header: Header, _ to: ReplyAddress
    ) throws(CallRefusal) {
        try checkRoute(of: partition, header)
        core?.receive(request, for: Int(partition.rawValue), to: to, loop.now)
    }

    private func checkRoute(of partition: Partition, _ header: Header) throws(CallRefusal) {
        guard header.routing.sale == Int64(partition.rawValue),
            header.flags.isSuperset(of: [.keyed, .partition]),
            let core, core.partitions.indices.contains(Int(partition.rawValue))
        else { throw .wrongRoute }
    }
}

/// Why a call never reached the core.
enum CallRefusal: Error {
    case malformed(WireError)
    case wrongRoute
    case unknownMethod
    /// As many calls of several orders are under way as this worker takes.
    case crowded
    /// As many streams are open as this worker serves.
    case manyStreams
    /// The method replies with a stream, and the call is a unary one.
    case notStream
}
