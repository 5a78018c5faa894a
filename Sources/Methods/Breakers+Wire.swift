public import Wire

extension ForceBreaker: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var request = ForceBreaker(worker: "")
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.worker: request.worker = try bytes.readName(at: &offset, "worker")
            case Field.purpose: request.purpose = try bytes.readName(at: &offset, "purpose")
            case Field.state: request.state = try bytes.readName(at: &offset, "state")
            case Field.seconds: request.seconds = try bytes.readInteger(at: &offset)
            case Field.actor: request.actor = try bytes.readName(at: &offset, "actor")
            default: return false
            }
            return true
        }
        self = request
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(5)
        for (name, text) in [("worker", worker), ("purpose", purpose), ("state", state), ("actor", actor)] {
            writer.string(name)
            writer.string(text)
        }
        writer.string("seconds")
        writer.integer(seconds)
    }
}

extension BreakerStates: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var breakers: [BreakerState] = []
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            guard field == Field.breakers else { return false }
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                breakers.append(try BreakerState(decoding: bytes, at: &offset))
            }
            return true
        }
        self.init(breakers: breakers)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("breakers")
        writer.array(breakers.count)
        for breaker in breakers { breaker.encode(into: &writer) }
    }
}

extension BreakerState: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var breaker = BreakerState(
            purpose: "", state: "", forced: nil,
            counts: Counts(succeeded: 0, failed: 0, slow: 0, refused: 0))
        var forced = Forced(state: "", actor: "", leftMilliseconds: 0)
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.purpose: breaker.purpose = try bytes.readName(at: &offset, "purpose")
            case Field.state: breaker.state = try bytes.readName(at: &offset, "state")
            case Field.forced: forced.state = try bytes.readName(at: &offset, "forced")
            case Field.actor: forced.actor = try bytes.readName(at: &offset, "actor")
            case Field.leftMilliseconds: forced.leftMilliseconds = try bytes.readInteger(at: &offset)
            case Field.succeeded: breaker.counts.succeeded = try bytes.readInteger(at: &offset)
            case Field.failed: breaker.counts.failed = try bytes.readInteger(at: &offset)
            case Field.slow: breaker.counts.slow = try bytes.readInteger(at: &offset)
            case Field.refused: breaker.counts.refused = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        if !forced.state.isEmpty { breaker.forced = forced }
        self = breaker
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(forced == nil ? 6 : 9)
        writer.string("purpose")
        writer.string(purpose)
        writer.string("state")
        writer.string(state)
        for (name, count) in [
            ("succeeded", counts.succeeded), ("failed", counts.failed), ("slow", counts.slow),
            ("refused", counts.refused),
        ] {
            writer.string(name)
            writer.integer(count)
        }
        guard let forced else { return }
        writer.string("forced")
        writer.string(forced.state)
        writer.string("actor")
        writer.string(forced.actor)
        writer.string("left_ms")
        writer.integer(forced.leftMilliseconds)
    }
}

extension Span<UInt8> {
    fileprivate func readName(at offset: inout Int, _ field: String) throws(WireError) -> String {
        try readString(at: &offset, maximum: Limits.nameLength, field: field)
    }
}
