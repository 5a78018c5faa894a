import Resilience

/// Draws choices from a seeded generator.
struct Draw {
    private var generator: SplitMix64

    init(_ generator: SplitMix64) { self.generator = generator }

    mutating func next() -> UInt64 { generator.next() }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound + 1)
        return range.lowerBound + Int(generator.next().multipliedFullWidth(by: width).high)
    }

    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { percent > 0 && number(0...99) < percent }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }

    /// Zero in half of the cases, else 1 to 100.
    mutating func weight() -> Int { chance(50) ? 0 : number(1...100) }

    /// The place of a weight, in proportion to it. At least one is above zero.
    mutating func index(weights: [Int]) -> Int {
        var left = number(0...weights.reduce(0, +) - 1)
        for (index, weight) in weights.enumerated() {
            if left < weight { return index }
            left -= weight
        }
        preconditionFailure("the weights end before their sum")
    }
}
