public import Resilience
public import Wire
public import ZeroMQ

/// The bounds and periods of a host. The defaults suit handlers that wait for something.
public struct HostConfiguration: Sendable {
    /// Calls that each broker may have in hand here, by priority: normal, high, system. What is beyond waits
    /// at the broker, or is refused there when it could not be served in time.
    public var calls: [Int] = [1_024, 256, 16]
    /// Streams that each broker may have open here.
    public var streams = 1_024
    /// Requests of one stream that may wait unread, 16 ... 1,024. Each has up to 64 KiB.
    public var streamWindow = 32
    /// How long the calls in hand may go on after the host was told to stop. Then their handlers are cancelled.
    public var grace = TimeAmount.seconds(10)
    /// A broker that says nothing for so long is given up; brokers speak every 100 ms.
    public var silence = TimeAmount.seconds(2)
    /// Waits between sessions with one broker.
    public var reconnect = Backoff(base: .milliseconds(100), ceiling: .seconds(2))

    /// For brokers at TCP endpoints, which ask for keys: of the role worker. Unix sockets need none.
    public var keys: ConnectionKeys?

    public init() {}

    /// How long a broker waits for a word of this host before it counts it as lost. Ten of our beats.
    static let leaseTTL = TimeAmount.seconds(3)
    static let beatInterval = TimeAmount.milliseconds(100)

    /// What is said in READY.
    var credit: [Int32] { (calls + [streams]).map { Int32($0) } }

    /// What is wrong with it, for people; nil when nothing is.
    var mistake: String? {
        if calls.count != 3 || !calls.allSatisfy({ 1...65_536 ~= $0 }) {
            return "set calls to three numbers of 1 to 65,536"
        }
        if !(0...1_000_000 ~= streams) { return "set streams to 0 ... 1,000,000" }
        if !(16...1_024 ~= streamWindow) { return "set streamWindow to 16 ... 1,024" }
        return grace < .zero ? "set grace to zero or more" : nil
    }
}
