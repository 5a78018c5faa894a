/// How many messages of a socket one turn of the loop reads, before the other socket has its turn and what was decided
/// leaves.
///
/// What a turn decides leaves at its end, in one go. While little is waiting turns are small, so that the first
/// messages are on their way when the last are read; under load they grow, so that there are fewer of them.
struct TurnSize {
    private static let smallest = 16
    private static let largest = 512

    private(set) var value = TurnSize.smallest

    /// The socket had fewer.
    mutating func wasEnough() { value = max(TurnSize.smallest, value / 2) }

    /// The socket had as many, and may have more.
    mutating func wasTooSmall() { value = min(TurnSize.largest, value * 2) }
}
