import Sales
public import Wire

extension LockName {
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        let start = offset
        let text = try bytes.readString(at: &offset, maximum: LockName.maximumLength, field: "name")
        guard let name = LockName(text) else { throw WireError(.badValue, at: start, field: "name") }
        self = name
    }
}

extension LockLimits {
    fileprivate static func readTTL(
        _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(WireError) -> Int64 {
        let start = offset
        let ttl = try bytes.readInteger(at: &offset, as: Int64.self, field: "ttl_ms")
        guard LockLimits.ttl ~= ttl else { throw WireError(.badValue, at: start, field: "ttl_ms") }
        return ttl
    }
}

extension AcquireLock: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var name: LockName?
        var ttl: Int64?
        var wait: Int64 = 0
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name: name = try LockName(decoding: bytes, at: &offset)
            case Field.ttl: ttl = try LockLimits.readTTL(bytes, at: &offset)
            case Field.wait:
                let start = offset
                wait = try bytes.readInteger(at: &offset, as: Int64.self, field: "wait_ms")
                guard 0...LockLimits.longestWait ~= wait else {
                    throw WireError(.badValue, at: start, field: "wait_ms")
                }
            default: return false
            }
            return true
        }
        self.init(
            name: try name.orMissing("name", offset), ttl: try ttl.orMissing("ttl_ms", offset), wait: wait)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(wait == 0 ? 2 : 3)
        writer.string("name")
        writer.string(name.rawValue)
        writer.string("ttl_ms")
        writer.integer(ttl)
        if wait != 0 {
            writer.string("wait_ms")
            writer.integer(wait)
        }
    }
}

extension HeldLock: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var name: LockName?
        var token: LockToken?
        var (fence, valid, waited): (Int64?, Int64?, Int64?)
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name: name = try LockName(decoding: bytes, at: &offset)
            case Field.token: token = LockToken(rawValue: try bytes.readKey(at: &offset))
            case Field.fence: fence = try bytes.readInteger(at: &offset)
            case Field.valid: valid = try bytes.readInteger(at: &offset)
            case Field.waited: waited = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            name: try name.orMissing("name", offset), token: try token.orMissing("token", offset),
            fence: try fence.orMissing("fence", offset), valid: try valid.orMissing("valid_ms", offset),
            waited: try waited.orMissing("waited_ms", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(5)
        writer.string("name")
        writer.string(name.rawValue)
        writer.string("token")
        writer.key(token.rawValue)
        writer.string("fence")
        writer.integer(fence)
        writer.string("valid_ms")
        writer.integer(valid)
        writer.string("waited_ms")
        writer.integer(waited)
    }
}

extension ExtendLock: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var name: LockName?
        var token: LockToken?
        var ttl: Int64?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name: name = try LockName(decoding: bytes, at: &offset)
            case Field.token: token = LockToken(rawValue: try bytes.readKey(at: &offset))
            case Field.ttl: ttl = try LockLimits.readTTL(bytes, at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            name: try name.orMissing("name", offset), token: try token.orMissing("token", offset),
            ttl: try ttl.orMissing("ttl_ms", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3)
        writer.string("name")
        writer.string(name.rawValue)
        writer.string("token")
        writer.key(token.rawValue)
        writer.string("ttl_ms")
        writer.integer(ttl)
    }
}

extension ExtendedLock: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var (valid, waited): (Int64?, Int64?)
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.valid: valid = try bytes.readInteger(at: &offset)
            case Field.waited: waited = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            valid: try valid.orMissing("valid_ms", offset), waited: try waited.orMissing("waited_ms", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("valid_ms")
        writer.integer(valid)
        writer.string("waited_ms")
        writer.integer(waited)
    }
}

extension ReleaseLock: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var name: LockName?
        var token: LockToken?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.name: name = try LockName(decoding: bytes, at: &offset)
            case Field.token: token = LockToken(rawValue: try bytes.readKey(at: &offset))
            default: return false
            }
            return true
        }
        self.init(name: try name.orMissing("name", offset), token: try token.orMissing("token", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("name")
        writer.string(name.rawValue)
        writer.string("token")
        writer.key(token.rawValue)
    }
}

extension AcquireLock: Routed {
    /// An attempt that may have run may have left the lock taken under a token that nobody knows: it is not
    /// repeated.
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0)) }
}

extension ExtendLock: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

extension ReleaseLock: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}
