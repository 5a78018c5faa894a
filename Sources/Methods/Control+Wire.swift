import Sales
public import Wire

// Control messages are frequent and small, and both ends are ours: arrays in a fixed order, which may grow
// at the end. An element that an older peer does not know is skipped.

/// Reads an array of at least `fields` elements; what a newer peer appended is skipped.
private func decodeRecord(
    _ bytes: Span<UInt8>, at offset: inout Int, fields: Int, _ read: (inout Int) throws(WireError) -> Void
) throws(WireError) {
    let count = try bytes.readArrayCount(at: &offset)
    guard count >= fields else { throw WireError(.missingField, at: offset) }
    try read(&offset)
    for _ in fields..<max(fields, count) { try bytes.skipValue(at: &offset) }
}

/// `[name, incarnation, partitions, hash, [method…], [credit…], lease TTL]`
extension Ready: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(name: "", incarnation: "", partitions: 0, hash: "", methods: [], credit: [], leaseTTL: 0)
        var ready = self
        try decodeRecord(bytes, at: &offset, fields: 7) { offset throws(WireError) in
            ready.name = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "name")
            ready.incarnation = try bytes.readString(
                at: &offset, maximum: Limits.nameLength, field: "incarnation")
            ready.partitions = try bytes.readInteger(at: &offset, as: Int32.self, field: "partitions")
            ready.hash = try bytes.readString(at: &offset, maximum: 64, field: "hash")
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                ready.methods.append(MethodID(rawValue: try bytes.readUnsigned(at: &offset)))
            }
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                ready.credit.append(try bytes.readInteger(at: &offset, as: Int32.self, field: "credit"))
            }
            ready.leaseTTL = try bytes.readInteger(at: &offset)
        }
        self = ready
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(7)
        writer.string(name)
        writer.string(incarnation)
        writer.integer(Int64(partitions))
        writer.string(hash)
        writer.array(methods.count)
        for method in methods { writer.unsigned(method.rawValue) }
        writer.array(credit.count)
        for credit in credit { writer.integer(Int64(credit)) }
        writer.integer(leaseTTL)
    }
}

/// `[method, sale, lane, partition, fence, change, reason]`, and with more to say `passes, held, waiting, next or nil`.
extension ClosedGate: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(
            method: MethodID(rawValue: 0), routing: RoutingKey(sale: 0, lane: 0),
            partition: Partition(rawValue: 0), fence: Fence(rawValue: 0), change: 0, reason: .other)
        let count = try bytes.readArrayCount(at: &offset)
        guard count >= 7 else { throw WireError(.missingField, at: offset) }
        method = MethodID(rawValue: try bytes.readUnsigned(at: &offset))
        routing.sale = try bytes.readInteger(at: &offset)
        routing.lane = try bytes.readInteger(at: &offset, as: Int16.self, field: "lane")
        partition = try Partition(decoding: bytes, at: &offset)
        fence = Fence(rawValue: try bytes.readInteger(at: &offset))
        change = try bytes.readInteger(at: &offset)
        let number = try bytes.readInteger(at: &offset, as: UInt16.self, field: "reason")
        reason = Reason(rawValue: number) ?? .other
        guard count >= 11 else {
            for _ in 7..<count { try bytes.skipValue(at: &offset) }
            return
        }
        passes = try bytes.readInteger(at: &offset, as: Int32.self, field: "passes")
        let held: Int64 = try bytes.readInteger(at: &offset)
        let waiting: Int64 = try bytes.readInteger(at: &offset)
        outlook = Outlook(
            held: held, next: try LedgerTime.decodeOptional(bytes, at: &offset), waiting: waiting)
        for _ in 11..<count { try bytes.skipValue(at: &offset) }
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(outlook == nil ? 7 : 11)
        writer.unsigned(method.rawValue)
        writer.integer(routing.sale)
        writer.integer(Int64(routing.lane))
        writer.integer(Int64(partition.rawValue))
        writer.integer(fence.rawValue)
        writer.integer(change)
        writer.integer(Int64(reason.rawValue))
        guard let outlook else { return }
        writer.integer(Int64(passes))
        writer.integer(outlook.held)
        writer.integer(outlook.waiting)
        LedgerTime.encodeOptional(outlook.next, into: &writer)
    }

    static func decodeAll(_ bytes: Span<UInt8>, at offset: inout Int) throws(WireError) -> [ClosedGate] {
        let start = offset
        let count = try bytes.readArrayCount(at: &offset)
        guard count <= WorkerBeat.maximumGates else { throw WireError(.badValue, at: start, field: "gates") }
        var gates: [ClosedGate] = []
        for _ in 0..<count { gates.append(try ClosedGate(decoding: bytes, at: &offset)) }
        return gates
    }
}

/// `[fit, lease left or nil, [gate…]]`
extension WorkerBeat: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(isFit: false, leaseLeft: nil, gates: [])
        let count = try bytes.readArrayCount(at: &offset)
        guard count >= 3 else { throw WireError(.missingField, at: offset) }
        isFit = try bytes.readBool(at: &offset)
        if !bytes.readNull(at: &offset) { leaseLeft = try bytes.readInteger(at: &offset) }
        gates = try ClosedGate.decodeAll(bytes, at: &offset)
        // An older worker has no fourth or fifth element.
        if count > 3 { notServing = try WorkerBeat.decodeServices(bytes, at: &offset) }
        if count > 4 { canTake = try bytes.readBool(at: &offset) }
        for _ in 5..<max(5, count) { try bytes.skipValue(at: &offset) }
    }

    private static func decodeServices(
        _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(WireError) -> [String] {
        let start = offset
        let count = try bytes.readArrayCount(at: &offset)
        guard count <= maximumServices else { throw WireError(.badValue, at: start, field: "services") }
        var services: [String] = []
        for _ in 0..<count {
            services.append(
                try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "services"))
        }
        return services
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(5)
        writer.bool(isFit)
        if let leaseLeft { writer.integer(leaseLeft) } else { writer.null() }
        writer.array(gates.count)
        for gate in gates { gate.encode(into: &writer) }
        writer.array(notServing.count)
        for service in notServing { writer.string(service) }
        writer.bool(canTake)
    }
}

/// `[[name…] or nil, [partition…] or nil, [[partition, token]…]]`
extension BrokerBeat: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(live: nil, unowned: nil)
        let count = try bytes.readArrayCount(at: &offset)
        guard count >= 2 else { throw WireError(.missingField, at: offset) }
        if !bytes.readNull(at: &offset) {
            var live: [String] = []
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                live.append(try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "live"))
            }
            self.live = live
        }
        if !bytes.readNull(at: &offset) {
            var unowned: [Partition] = []
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                unowned.append(try Partition(decoding: bytes, at: &offset))
            }
            self.unowned = unowned
        }
        // An older broker has no third element.
        if count > 2 { dead = try BrokerBeat.decodeDead(bytes, at: &offset) }
        for _ in 3..<max(3, count) { try bytes.skipValue(at: &offset) }
    }

    private static func decodeDead(
        _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(WireError) -> [DeadHolder] {
        let start = offset
        let count = try bytes.readArrayCount(at: &offset)
        guard count <= maximumDead else { throw WireError(.badValue, at: start, field: "dead") }
        var dead: [DeadHolder] = []
        for _ in 0..<count { dead.append(try DeadHolder(decoding: bytes, at: &offset)) }
        return dead
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(3)
        if let live {
            writer.array(live.count)
            for name in live { writer.string(name) }
        } else {
            writer.null()
        }
        if let unowned {
            writer.array(unowned.count)
            for partition in unowned { writer.integer(Int64(partition.rawValue)) }
        } else {
            writer.null()
        }
        writer.array(dead.count)
        for holder in dead { holder.encode(into: &writer) }
    }
}

/// `[partition, token]`
extension DeadHolder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(partition: Partition(rawValue: 0), token: HolderToken(rawValue: 0))
        var dead = self
        try decodeRecord(bytes, at: &offset, fields: 2) { offset throws(WireError) in
            dead.partition = try Partition(decoding: bytes, at: &offset)
            dead.token = HolderToken(rawValue: try bytes.readKey(at: &offset))
        }
        self = dead
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(2)
        writer.integer(Int64(partition.rawValue))
        writer.key(token.rawValue)
    }
}

/// `[partition, fence, incarnation, [gate…], token or nil]`
extension Own: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(partition: Partition(rawValue: 0), fence: Fence(rawValue: 0), incarnation: "", gates: [])
        let count = try bytes.readArrayCount(at: &offset)
        guard count >= 4 else { throw WireError(.missingField, at: offset) }
        partition = try Partition(decoding: bytes, at: &offset)
        fence = Fence(rawValue: try bytes.readInteger(at: &offset))
        incarnation = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "incarnation")
        gates = try ClosedGate.decodeAll(bytes, at: &offset)
        // An older worker has no fifth element.
        if count > 4, !bytes.readNull(at: &offset) {
            holder = HolderToken(rawValue: try bytes.readKey(at: &offset))
        }
        for _ in 5..<max(5, count) { try bytes.skipValue(at: &offset) }
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(5)
        writer.integer(Int64(partition.rawValue))
        writer.integer(fence.rawValue)
        writer.string(incarnation)
        writer.array(gates.count)
        for gate in gates { gate.encode(into: &writer) }
        if let holder { writer.key(holder.rawValue) } else { writer.null() }
    }
}

/// `[partition, fence]`
extension Disown: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(partition: Partition(rawValue: 0), fence: Fence(rawValue: 0))
        var disown = self
        try decodeRecord(bytes, at: &offset, fields: 2) { offset throws(WireError) in
            disown.partition = try Partition(decoding: bytes, at: &offset)
            disown.fence = Fence(rawValue: try bytes.readInteger(at: &offset))
        }
        self = disown
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.array(2)
        writer.integer(Int64(partition.rawValue))
        writer.integer(fence.rawValue)
    }
}
