import Sales
public import Wire

extension BrokerStatus: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(
            name: "", uptimeMilliseconds: 0, clients: 0, inFlight: 0, parked: 0, calls: 0, malformed: 0,
            gateRefusals: 0, rate: 0, workers: [], partitions: [], gates: [])
        var status = self
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name:
                status.name = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "name")
            case Field.uptime: status.uptimeMilliseconds = try bytes.readInteger(at: &offset)
            case Field.clients: status.clients = try bytes.readInteger(at: &offset)
            case Field.inFlight: status.inFlight = try bytes.readInteger(at: &offset)
            case Field.parked: status.parked = try bytes.readInteger(at: &offset)
            case Field.calls: status.calls = try bytes.readInteger(at: &offset)
            case Field.malformed: status.malformed = try bytes.readInteger(at: &offset)
            case Field.refused: status.gateRefusals = try bytes.readInteger(at: &offset)
            case Field.rate: status.rate = try bytes.readInteger(at: &offset)
            case Field.workers:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    status.workers.append(try Worker(decoding: bytes, at: &offset))
                }
            case Field.partitions:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    status.partitions.append(try PartitionOwner(decoding: bytes, at: &offset))
                }
            case Field.gates:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    status.gates.append(try Gate(decoding: bytes, at: &offset))
                }
            default: return false
            }
            return true
        }
        self = status
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(12)
        writer.string("name")
        writer.string(name)
        let numbers = [
            ("uptime_ms", uptimeMilliseconds), ("clients", clients), ("in_flight", inFlight),
            ("parked", parked),
            ("calls", calls), ("malformed", malformed), ("refused", gateRefusals), ("rate", rate),
        ]
        for (name, number) in numbers {
            writer.string(name)
            writer.integer(number)
        }
        writer.string("workers")
        writer.array(workers.count)
        for worker in workers { worker.encode(into: &writer) }
        writer.string("partitions")
        writer.array(partitions.count)
        for partition in partitions { partition.encode(into: &writer) }
        writer.string("gates")
        writer.array(gates.count)
        for gate in gates { gate.encode(into: &writer) }
    }
}

extension BrokerStatus.Worker: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(name: "", inFlight: 0, calls: 0, rate: 0, leaseLeftMilliseconds: nil, state: "")
        var worker = self
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name:
                worker.name = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "name")
            case Field.inFlight: worker.inFlight = try bytes.readInteger(at: &offset)
            case Field.calls: worker.calls = try bytes.readInteger(at: &offset)
            case Field.rate: worker.rate = try bytes.readInteger(at: &offset)
            case Field.leaseLeft:
                if !bytes.readNull(at: &offset) {
                    worker.leaseLeftMilliseconds = try bytes.readInteger(at: &offset)
                }
            case Field.state: worker.state = try bytes.readString(at: &offset, maximum: 32, field: "state")
            // An older broker does not say; its workers own partitions.
            case Field.canOwn: worker.canOwn = try bytes.readBool(at: &offset)
            default: return false
            }
            return true
        }
        self = worker
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(7)
        writer.string("name")
        writer.string(name)
        for (name, number) in [("in_flight", inFlight), ("calls", calls), ("rate", rate)] {
            writer.string(name)
            writer.integer(number)
        }
        writer.string("lease_left_ms")
        if let leaseLeftMilliseconds { writer.integer(leaseLeftMilliseconds) } else { writer.null() }
        writer.string("state")
        writer.string(state)
        writer.string("can_own")
        writer.bool(canOwn)
    }
}

extension BrokerStatus.PartitionOwner: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(partition: Partition(rawValue: 0), owner: nil, fence: Fence(rawValue: 0), parked: 0)
        var partition = self
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.partition: partition.partition = try Partition(decoding: bytes, at: &offset)
            case Field.owner:
                if !bytes.readNull(at: &offset) {
                    partition.owner = try bytes.readString(
                        at: &offset, maximum: Limits.nameLength, field: "owner")
                }
            case Field.fence: partition.fence = Fence(rawValue: try bytes.readInteger(at: &offset))
            case Field.parked: partition.parked = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self = partition
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(4)
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
        writer.string("owner")
        if let owner { writer.string(owner) } else { writer.null() }
        writer.string("fence")
        writer.integer(fence.rawValue)
        writer.string("parked")
        writer.integer(parked)
    }
}

extension BrokerStatus.Gate: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(sale: SaleID(rawValue: 0), lane: .only, partition: Partition(rawValue: 0))
        var gate = self
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.sale: gate.sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: gate.lane = try Lane(decoding: bytes, at: &offset)
            case Field.partition: gate.partition = try Partition(decoding: bytes, at: &offset)
            default: return false
            }
            return true
        }
        self = gate
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
    }
}
