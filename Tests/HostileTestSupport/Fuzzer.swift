import SeededTestSupport

/// Sends a listener whatever no well-behaved peer would, by connections of its own. A seed repeats it.
public struct Fuzzer {
    /// What the listener asks, and so what it must survive.
    public enum Target: Sendable {
        /// Everybody comes in. What nothing stops there is left out: names that begin with a zero
        /// (`NamelessPeerAttack`) and messages that never end. Names that are taken are kept few: libzmq 4.3.4
        /// keeps the pipe of every peer that comes under one, with 16 KiB, for as long as the ROUTER lives.
        case asksNobody
        /// Nobody comes in.
        case asksForKeys
    }

    private let port: UInt16
    private let target: Target
    private var random: SeededGenerator
    /// Connections that say nothing more: the oldest are closed when there are many.
    private var squatters: [RawPeer] = []
    /// Names that other connections of ours have, or had.
    private var names: [[UInt8]] = []
    private var clashes = 0
    private var clashLimit: Int {
        switch target {
        case .asksNobody: 500
        case .asksForKeys: .max
        }
    }
    /// Messages of the protocol, to be changed.
    private let messages: [[UInt8]]

    public private(set) var rounds = 0
    /// Handshakes of which the other side said something.
    public private(set) var answered = 0

    private static let maximumSquatters = 64

    /// - Parameter messages: well-formed ones; what is sent are mutations of them.
    public init(port: UInt16, target: Target, seed: UInt64, messages: [[UInt8]]) {
        self.port = port
        self.target = target
        self.messages = messages
        random = SeededGenerator(seed: seed)
    }

    /// One connection's worth of mischief. False when nobody listens any more.
    public mutating func round() -> Bool {
        guard let peer = RawPeer(port: port) else { return false }
        rounds += 1
        switch random.number(0...6) {
        case 0: peer.send(noise(upTo: 300))
        case 1: peer.send(mutated(ZMTP.greeting(mechanism())))
        case 2: halfGreeting(peer)
        case 3: brokenHandshake(peer)
        case 4: brokenCurve(peer)
        default: joined(peer)
        }
        if random.oneIn(3) { squatters.append(peer) }
        if squatters.count > Self.maximumSquatters { squatters.removeFirst(random.number(1...16)) }
        return true
    }

    // MARK: Before the handshake

    private mutating func halfGreeting(_ peer: RawPeer) {
        peer.send(Array(ZMTP.greeting(mechanism()).prefix(random.number(1...63))))
    }

    private mutating func greet(_ peer: RawPeer, _ mechanism: String) {
        peer.send(ZMTP.greeting(mechanism))
        if !peer.receive(atLeast: ZMTP.greetingLength).isEmpty { answered += 1 }
    }

    private mutating func brokenHandshake(_ peer: RawPeer) {
        greet(peer, mechanism())
        for _ in 0..<random.number(1...4) {
            switch random.number(0...5) {
            case 0: peer.send(ZMTP.command("READY", noise(upTo: 120)))
            case 1: peer.send(mutated(ZMTP.ready(identity: name())))
            case 2:
                // A property that promises more than there is.
                let promise = UInt32.random(in: 0...UInt32.max, using: &random)
                peer.send(
                    ZMTP.command(
                        "READY",
                        [11] + Array("Socket-Type".utf8)
                            + (0..<4).map { UInt8(truncatingIfNeeded: promise >> (8 * UInt32($0))) }))
            case 3:
                peer.send(
                    ZMTP.command(
                        ["ERROR", "PING", "HELLO", "INITIATE", "", "X"][random.number(0...5)],
                        noise(upTo: 200)))
            case 4: peer.send([0x06] + ZMTP.header(length: random.next()).dropFirst())
            default: peer.send(flood())
            }
        }
    }

    private mutating func brokenCurve(_ peer: RawPeer) {
        greet(peer, "CURVE")
        switch random.number(0...4) {
        // RFC 26: HELLO has 200 bytes: command name, version 1.0, padding, a key, a nonce, a signature box.
        case 0: peer.send(ZMTP.command("HELLO", [1, 0] + noise(exactly: 192)))
        case 1: peer.send(ZMTP.command("HELLO", noise(upTo: 240)))
        case 2: peer.send(ZMTP.command("INITIATE", noise(upTo: 240)))
        case 3:
            peer.send(ZMTP.command("HELLO", [1, 0] + [UInt8](repeating: 0, count: 192)))
            peer.send(flood())
        default: peer.send([0x06] + ZMTP.header(length: 1 << 40).dropFirst() + noise(upTo: 4_096))
        }
        peer.send(noise(upTo: 1_000))
    }

    // MARK: After it

    private mutating func joined(_ peer: RawPeer) {
        greet(peer, "NULL")
        let kind = ["DEALER", "DEALER", "DEALER", "REQ", "ROUTER", "PUB", "SUB", "PAIR", ""][
            random.number(0...8)]
        let name = name()
        names.append(name)
        if names.count > 100 { names.removeFirst(50) }
        peer.send(
            ZMTP.command(
                "READY", ZMTP.property("Socket-Type", Array(kind.utf8)) + ZMTP.property("Identity", name)))
        for _ in 0..<random.number(1...8) {
            switch random.number(0...6) {
            case 0: peer.send(ZMTP.header(length: random.next(), more: random.oneIn(2)) + noise(upTo: 200))
            case 1: peer.send(ZMTP.header(length: UInt64.max >> UInt64(random.number(0...24))))
            case 2: for _ in 0..<random.number(1...20) { peer.send(ZMTP.frame(noise(upTo: 300), more: true)) }
            case 3:
                peer.send(
                    ZMTP.command(["PING", "PONG", "SUBSCRIBE", "X"][random.number(0...3)], noise(upTo: 60)))
            case 4: peer.send(flood())
            default:
                let message = messages[random.number(0...messages.count - 1)]
                peer.send(ZMTP.frame(random.oneIn(4) ? message : mutated(message)))
            }
        }
    }

    /// A name for a connection: often one that is taken.
    private mutating func name() -> [UInt8] {
        if random.oneIn(2), !names.isEmpty, clashes < clashLimit {
            clashes += 1
            return names[random.number(0...names.count - 1)]
        }
        var name = noise(upTo: random.oneIn(10) ? 400 : 40)
        if case .asksNobody = target, name.first == 0 { name[0] = 1 }
        return name
    }

    /// Frames of a message that does not end: many where nobody is let in, else a few.
    private mutating func flood() -> [UInt8] {
        switch target {
        case .asksNobody: ZMTP.endless(random.number(1...200))
        case .asksForKeys: ZMTP.endless(random.number(1...200_000))
        }
    }

    // MARK: Bytes

    private mutating func mechanism() -> String {
        ["NULL", "PLAIN", "CURVE", "GSSAPI", "", "X", "NULLNULLNULLNULLNULL"][random.number(0...6)]
    }

    private mutating func noise(upTo count: Int) -> [UInt8] { noise(exactly: random.number(0...count)) }

    private mutating func noise(exactly count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.number(1...4) where !bytes.isEmpty {
            let place = random.number(0...bytes.count - 1)
            switch random.number(0...3) {
            case 0: bytes[place] ^= 1 << UInt8(random.number(0...7))
            case 1: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.number(0...4)]
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + random.number(1...8)))
            default: bytes.insert(contentsOf: noise(upTo: 8), at: place)
            }
        }
        return bytes
    }
}
