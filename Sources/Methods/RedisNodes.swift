public import Wire

/// Asks one worker how its Redis nodes are.
public struct AskRedis: Hashable, Sendable {
    public var worker: String
    public init(worker: String) { self.worker = worker }
}

/// How a worker's Redis nodes are, and how its attempts on them ended.
public struct RedisStates: Hashable, Sendable {
    /// One per purpose: each has connections of its own.
    public var uses: [RedisUse]

    public init(uses: [RedisUse]) { self.uses = uses }
}

/// The nodes as one purpose of the worker's sees them.
public struct RedisUse: Hashable, Sendable {
    /// "leases" of partitions or "locks" of services.
    public var purpose: String
    public var outcomes: Outcomes
    public var nodes: [RedisNodeState]

    /// How attempts ended, since the worker began.
    public struct Outcomes: Hashable, Sendable {
        public var acquired: Int64 = 0
        /// Another had it.
        public var held: Int64 = 0
        /// Nobody won: each of several contenders had some of the nodes.
        public var split: Int64 = 0
        public var extended: Int64 = 0
        /// An extension found it taken or vanished.
        public var lost: Int64 = 0
        public var noQuorum: Int64 = 0
        /// The least time that was left of one when it was acquired; nil before the first.
        public var leastLeftMilliseconds: Int64?

        public init() {}
    }

    public init(purpose: String, outcomes: Outcomes, nodes: [RedisNodeState]) {
        self.purpose = purpose
        self.outcomes = outcomes
        self.nodes = nodes
    }
}

/// How one node is.
public struct RedisNodeState: Hashable, Sendable {
    public var address: String
    /// "voting", or why its votes do not count: "absent", "refused", "quarantined" (it may have forgotten leases),
    /// "suspended" (its clock was set) or "silent" (it has answered nothing for the lifetime of a lease).
    public var state: String
    /// "closed", "open", "half-open" or "recovering"; while it is open the node is not asked for new leases.
    public var breaker: String
    /// Why it was refused, last lost, or answered with an error, cut to `longestProblem` bytes; empty for nothing.
    public var problem: String
    public var votes: Votes

    /// 64 nodes, the most there can be, fit in one message with problems of this length.
    public static let longestProblem = 160
    /// Longer than every address that is accepted.
    static let longestAddress = 300

    /// How often the node voted how, since the worker began.
    public struct Votes: Hashable, Sendable {
        public var yes: Int64 = 0
        /// Held by another, or, for an extension, unknown to the node.
        public var no: Int64 = 0
        public var error: Int64 = 0
        public var timeout: Int64 = 0
        /// Came after their timeout.
        public var late: Int64 = 0

        public init() {}
    }

    public init(address: String, state: String, breaker: String, problem: String, votes: Votes) {
        self.address = address
        self.state = state
        self.breaker = breaker
        self.problem = RedisNodeState.cut(problem)
        self.votes = votes
    }

    private static func cut(_ text: String) -> String {
        var text = text
        while text.utf8.count > longestProblem { text.removeLast() }
        return text
    }
}

extension AskRedis: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        self.init(worker: try WorkerPing(decoding: bytes, at: &offset).worker)
    }

    public func encode(into writer: inout MessagePackWriter) {
        WorkerPing(worker: worker).encode(into: &writer)
    }
}

extension RedisStates: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var uses: [RedisUse] = []
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            guard field == Field.uses else { return false }
            for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                uses.append(try RedisUse(decoding: bytes, at: &offset))
            }
            return true
        }
        self.init(uses: uses)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("uses")
        writer.array(uses.count)
        for use in uses { use.encode(into: &writer) }
    }
}

extension RedisUse: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var use = RedisUse(purpose: "", outcomes: Outcomes(), nodes: [])
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.purpose:
                use.purpose = try bytes.readString(
                    at: &offset, maximum: Limits.nameLength, field: "purpose")
            case Field.acquired: use.outcomes.acquired = try bytes.readInteger(at: &offset)
            case Field.held: use.outcomes.held = try bytes.readInteger(at: &offset)
            case Field.split: use.outcomes.split = try bytes.readInteger(at: &offset)
            case Field.extended: use.outcomes.extended = try bytes.readInteger(at: &offset)
            case Field.lost: use.outcomes.lost = try bytes.readInteger(at: &offset)
            case Field.noQuorum: use.outcomes.noQuorum = try bytes.readInteger(at: &offset)
            case Field.leastLeft:
                if !bytes.readNull(at: &offset) {
                    use.outcomes.leastLeftMilliseconds = try bytes.readInteger(at: &offset)
                }
            case Field.nodes:
                for _ in 0..<(try bytes.readArrayCount(at: &offset)) {
                    use.nodes.append(try RedisNodeState(decoding: bytes, at: &offset))
                }
            default: return false
            }
            return true
        }
        self = use
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(9)
        writer.string("purpose")
        writer.string(purpose)
        for (name, count) in [
            ("acquired", outcomes.acquired), ("held", outcomes.held), ("split", outcomes.split),
            ("extended", outcomes.extended), ("lost", outcomes.lost), ("no_quorum", outcomes.noQuorum),
        ] {
            writer.string(name)
            writer.integer(count)
        }
        writer.string("least_left_ms")
        if let left = outcomes.leastLeftMilliseconds { writer.integer(left) } else { writer.null() }
        writer.string("nodes")
        writer.array(nodes.count)
        for node in nodes { node.encode(into: &writer) }
    }
}

extension RedisNodeState: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var node = RedisNodeState(address: "", state: "", breaker: "", problem: "", votes: Votes())
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.address:
                node.address = try bytes.readString(
                    at: &offset, maximum: RedisNodeState.longestAddress, field: "address")
            case Field.state:
                node.state = try bytes.readString(at: &offset, maximum: 32, field: "state")
            case Field.breaker:
                node.breaker = try bytes.readString(at: &offset, maximum: 32, field: "breaker")
            case Field.problem:
                node.problem = try bytes.readString(
                    at: &offset, maximum: RedisNodeState.longestProblem, field: "problem")
            case Field.yes: node.votes.yes = try bytes.readInteger(at: &offset)
            case Field.no: node.votes.no = try bytes.readInteger(at: &offset)
            case Field.error: node.votes.error = try bytes.readInteger(at: &offset)
            case Field.timeout: node.votes.timeout = try bytes.readInteger(at: &offset)
            case Field.late: node.votes.late = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self = node
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(9)
        for (name, text) in [
            ("address", address), ("state", state), ("breaker", breaker), ("problem", problem),
        ] {
            writer.string(name)
            writer.string(text)
        }
        for (name, count) in [
            ("yes", votes.yes), ("no", votes.no), ("error", votes.error), ("timeout", votes.timeout),
            ("late", votes.late),
        ] {
            writer.string(name)
            writer.integer(count)
        }
    }
}
