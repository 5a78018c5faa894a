public import Wire
import ZeroMQ

/// What a handler knows of the call that it answers, beyond the request.
public struct ServiceCall: Sendable {
    /// The whole name, such as `greeter.hello`.
    public let method: String
    public let kind: MethodKind
    public let priority: Priority
    /// Not the first attempt: an earlier one may have run.
    public let isRetry: Bool
    /// What a keyed call was routed by.
    public let routing: RoutingKey
    /// The caller's name for the request, the same in every attempt; nil when it gave none.
    public let requestKey: Key?
    /// When the caller stops waiting; nil in a stream without a deadline. The task is cancelled then.
    public let deadline: MonotonicTime?
    /// The caller's.
    public let metadata: Metadata
    let channel: CallChannel

    /// A request key in two words.
    public struct Key: Hashable, Sendable {
        public let high: UInt64
        public let low: UInt64

        init?(_ header: Header) {
            let key = header.requestKey
            guard key != 0 else { return nil }
            high = UInt64(truncatingIfNeeded: key >> 64)
            low = UInt64(truncatingIfNeeded: key)
        }
    }

    init(
        _ header: Header, method: ServiceMethod, metadata: Metadata, now: MonotonicTime, channel: CallChannel
    ) {
        self.method = method.name
        kind = method.kind
        priority = header.priority
        isRetry = header.flags.contains(.retry)
        routing = header.routing
        requestKey = Key(header)
        deadline =
            header.milliseconds == 0 ? nil : now + .milliseconds(Int64(header.milliseconds))
        self.metadata = metadata
        self.channel = channel
    }

    /// The service's name, `greeter` of `greeter.hello`.
    public var service: String { ServiceMethod.service(of: method) }

    /// Time until the deadline, never below zero; nil when there is none.
    public var timeLeft: TimeAmount? { deadline.map { max(.zero, $0 - .now()) } }

    /// What goes back before the first reply of a stream, and with the only answer of other calls. Too late
    /// once a reply was sent.
    public var initialMetadata: Metadata {
        get { channel.metadata.initial }
        nonmutating set { channel.setMetadata(initial: newValue) }
    }

    /// What goes back with the end of the call, also when it fails.
    public var trailingMetadata: Metadata {
        get { channel.metadata.trailing }
        nonmutating set { channel.setMetadata(trailing: newValue) }
    }
}

/// What an inline handler knows of its call. A plain value: making one allocates nothing, unless the caller
/// sent metadata.
public struct InlineCall: Sendable {
    private let header: Header
    /// The caller's.
    public let metadata: Metadata

    init(_ header: Header, metadata: Metadata) {
        self.header = header
        self.metadata = metadata
    }

    public var priority: Priority { header.priority }
    /// Not the first attempt: an earlier one may have run.
    public var isRetry: Bool { header.flags.contains(.retry) }
    /// What a keyed call was routed by.
    public var routing: RoutingKey { header.routing }
    /// The caller's name for the request, the same in every attempt; nil when it gave none.
    public var requestKey: ServiceCall.Key? { ServiceCall.Key(header) }
    /// Time that was left when the call came in; nil when it has no deadline.
    public var timeLeft: TimeAmount? {
        header.milliseconds == 0 ? nil : .milliseconds(Int64(header.milliseconds))
    }
    /// How the call was routed.
    package var isKeyed: Bool { header.flags.contains(.keyed) }
    package var isOfPartition: Bool { header.flags.contains(.partition) }
}
