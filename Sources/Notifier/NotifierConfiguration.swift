public import Notifications
public import Redis
public import Wire
public import ZeroMQ

/// What a process that sends notifications is told at its start.
public struct NotifierConfiguration: Sendable {
    /// Unique among these processes, the same after a restart: it is the consumer of the stream's group, too.
    public var name: String
    public var redis: RedisAddress
    public var stream = "stampede:events"
    public var group = "notify"
    public var ledger: String
    /// Workers' endpoints of brokers, for `contact.set` and its like; none: they are not served.
    public var brokers: [String] = []
    public var keys: ConnectionKeys?
    public var templates = Templates()
    public var offset = UTCOffset.utc
    public var policy = DeliveryPolicy()
    /// Threads that send, per channel.
    public var senders = 2
    /// How long a claim on a message, or on an unread item of the stream, lasts: who dies is taken over from then. Longer
    /// than any carrier takes.
    public var lease = TimeAmount.seconds(60)
    /// How long an event waits for its buyer's contact.
    public var grace = TimeAmount.seconds(60)
    /// Reading stops while more messages than this are due.
    public var backlog = 1_000_000
    /// What was sent or skipped is forgotten after this; longer than the policy's maximum age, so that an event that is
    /// delivered again is known.
    public var keepOver = TimeAmount.seconds(7 * 86_400)
    public var keepDead = TimeAmount.seconds(90 * 86_400)
    public var keepContacts = TimeAmount.seconds(90 * 86_400)
    /// By channel that is in use, what makes a carrier for each thread.
    public var carriers: [Channel: @Sendable () -> any Carrier] = [:]

    public init(name: String, redis: RedisAddress, ledger: String) {
        self.name = name
        self.redis = redis
        self.ledger = ledger
    }

    var channels: Set<Channel> { Set(carriers.keys) }
}
