/// A comparison's outcome, with what it has to reach.
struct Ratio: Codable {
    /// As in the thresholds' file.
    let name: String
    let text: String
    /// The median of the rounds' ratios, each of two measurements made one after the other. Rounds in which
    /// others used the machine are left out, unless that leaves fewer than three: then it is the quietest three.
    let value: Double
    let rounds: Int
    let lowest: Double
    let highest: Double
    var atLeast: Double?
    var atMost: Double?

    enum CodingKeys: String, CodingKey {
        case name, text, value, rounds, lowest, highest
        case atLeast = "at_least"
        case atMost = "at_most"
    }

    var isMet: Bool {
        if let atLeast, value < atLeast { return false }
        if let atMost, value > atMost { return false }
        return true
    }

    init(_ name: String, _ text: String, _ values: [Double]) {
        self.name = name
        self.text = text
        value = values.median
        rounds = values.count
        lowest = values.min() ?? .nan
        highest = values.max() ?? .nan
    }

    enum Measure { case rate, p50 }

    /// Ours to theirs, round by round.
    init(
        _ name: String, _ text: String, _ ours: [Measurement], to theirs: [Measurement],
        _ measure: Measure = .rate
    ) {
        let pairs = ours.compactMap { mine in
            theirs.first { $0.round == mine.round }.map { (mine: mine, other: $0) }
        }
        self.init(
            name, text,
            Ratio.quiet(pairs).map {
                switch measure {
                case .rate: $0.mine.callsPerSecond / $0.other.callsPerSecond
                case .p50: $0.mine.p50 / $0.other.p50
                }
            })
    }

    private typealias Pair = (mine: Measurement, other: Measurement)

    private static func quiet(_ pairs: [Pair]) -> [Pair] {
        let quiet = pairs.filter { $0.mine.isQuiet && $0.other.isQuiet }
        guard quiet.count < 3 else { return quiet }
        return Array(
            pairs.sorted { max($0.mine.others, $0.other.others) < max($1.mine.others, $1.other.others) }
                .prefix(3))
    }
}

/// What a ratio has to reach, from the thresholds' file.
struct Threshold: Codable {
    var atLeast: Double?
    var atMost: Double?

    enum CodingKeys: String, CodingKey {
        case atLeast = "at_least"
        case atMost = "at_most"
    }
}

extension [Double] {
    var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = self.sorted()
        return count.isMultiple(of: 2)
            ? (sorted[count / 2 - 1] + sorted[count / 2]) / 2 : sorted[count / 2]
    }
}
