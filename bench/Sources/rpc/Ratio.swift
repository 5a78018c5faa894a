/// A comparison's outcome, with what it has to reach.
struct Ratio: Codable {
    /// As in the thresholds' file.
    let name: String
    let text: String
    /// The median of the rounds' ratios, each of two measurements made one after the other.
    let value: Double
    let lowest: Double
    let highest: Double
    var atLeast: Double?
    var atMost: Double?

    enum CodingKeys: String, CodingKey {
        case name, text, value, lowest, highest
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
        lowest = values.min() ?? .nan
        highest = values.max() ?? .nan
    }

    enum Measure { case rate, p50 }

    /// Ours to theirs, round by round.
    init(
        _ name: String, _ text: String, _ ours: [Measurement], to theirs: [Measurement],
        _ measure: Measure = .rate
    ) {
        let values = ours.compactMap { mine -> Double? in
            guard let other = theirs.first(where: { $0.round == mine.round }) else { return nil }
            return switch measure {
            case .rate: mine.callsPerSecond / other.callsPerSecond
            case .p50: mine.p50 / other.p50
            }
        }
        self.init(name, text, values)
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
