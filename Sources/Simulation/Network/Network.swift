import Resilience
import Wire

/// How long messages take, and which ways are cut.
final class Network {
    /// One direction between a peer and a broker.
    struct Way: Hashable {
        let peer: Pipe.Peer
        let broker: Int
        let isUp: Bool
    }

    unowned let world: World
    private var draw: Draw
    private var cuts: [Way: MonotonicTime] = [:]

    init(_ world: World, _ generator: SplitMix64) {
        self.world = world
        draw = Draw(generator)
    }

    /// When a message that is sent now arrives, not before the one sent before it.
    func arrival(after last: MonotonicTime, _ way: Way) -> MonotonicTime {
        var arrival = world.now + delay()
        if !cuts.isEmpty, let end = cuts[way] {
            if end > world.now { arrival = max(arrival, end + delay()) } else { cuts[way] = nil }
        }
        return max(arrival, last)
    }

    /// Of one message: mostly well below a millisecond, sometimes long.
    func delay() -> TimeAmount {
        if !world.isCalm, draw.chance(world.scenario.slowMessages) {
            return .microseconds(Int64(draw.number(1_000...150_000)))
        }
        return .microseconds(Int64(draw.number(20...1_500)))
    }

    func chance(_ percent: Int) -> Bool { draw.chance(percent) }
    func number(_ range: ClosedRange<Int>) -> Int { draw.number(range) }

    func cut(_ way: Way, until end: MonotonicTime) { cuts[way] = max(cuts[way] ?? end, end) }
    func heal() { cuts = [:] }
}
