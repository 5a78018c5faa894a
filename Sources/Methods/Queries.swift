public import Sales
public import Wire

public struct GetOrder: Hashable, Sendable {
    public var order: OrderID
    public init(order: OrderID) { self.order = order }
}

public struct GetSale: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    public init(sale: SaleID, lane: Lane = .only) {
        self.sale = sale
        self.lane = lane
    }
}

public struct ListSales: Hashable, Sendable {
    public var partition: Partition
    public init(partition: Partition) { self.partition = partition }
}

public struct SaleList: Equatable, Sendable {
    /// At most `maximum`, newest last.
    public var sales: [Sale]
    /// True when the partition has more.
    public var isCut: Bool
    /// What fits in one message.
    public static let maximum = 200

    public init(sales: [Sale], isCut: Bool) {
        self.sales = sales
        self.isCut = isCut
    }
}

public struct YieldPartition: Hashable, Sendable {
    public var partition: Partition
    /// Name of the worker that asks.
    public var successor: String
    public init(partition: Partition, successor: String) {
        self.partition = partition
        self.successor = successor
    }
}

public struct DrainWorker: Hashable, Sendable {
    public var worker: String
    public init(worker: String) { self.worker = worker }
}

public struct WorkerPing: Hashable, Sendable {
    public var worker: String
    public init(worker: String) { self.worker = worker }
}

extension GetOrder: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Field.order else { return false }
            order = try OrderID(decoding: bytes, at: &offset)
            return true
        }
        self.init(order: try order.orMissing("order", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("order")
        order.encode(into: &writer)
    }
}

extension GetSale: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sale: SaleID?
        var lane = Lane.only
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.lane: lane = try Lane(decoding: bytes, at: &offset)
            default: return false
            }
            return true
        }
        self.init(sale: try sale.orMissing("sale", offset), lane: lane)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("lane")
        writer.integer(Int64(lane.rawValue))
    }
}

extension ListSales: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var partition: Partition?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Field.partition else { return false }
            partition = try Partition(decoding: bytes, at: &offset)
            return true
        }
        self.init(partition: try partition.orMissing("partition", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
    }
}

extension SaleList: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var sales: [Sale] = []
        var isCut = false
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.sales:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    sales.append(try Sale(decoding: bytes, at: &offset))
                }
            case Field.cut: isCut = try bytes.readBool(at: &offset)
            default: return false
            }
            return true
        }
        self.init(sales: sales, isCut: isCut)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("sales")
        writer.array(sales.count)
        for sale in sales { sale.encode(into: &writer) }
        writer.string("cut")
        writer.bool(isCut)
    }
}

extension YieldPartition: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var partition: Partition?
        var successor = ""
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.partition: partition = try Partition(decoding: bytes, at: &offset)
            case Field.successor:
                successor = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "successor")
            default: return false
            }
            return true
        }
        self.init(partition: try partition.orMissing("partition", offset), successor: successor)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("partition")
        writer.integer(Int64(partition.rawValue))
        writer.string("successor")
        writer.string(successor)
    }
}

extension DrainWorker: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(worker: try WorkerPing(decoding: bytes, at: &offset).worker)
    }

    public func encode(into writer: inout MessagePackWriter) {
        WorkerPing(worker: worker).encode(into: &writer)
    }
}

extension WorkerPing: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var worker = ""
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Field.worker else { return false }
            worker = try bytes.readString(at: &offset, maximum: Limits.nameLength, field: "worker")
            return true
        }
        self.init(worker: worker)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("worker")
        writer.string(worker)
    }
}
