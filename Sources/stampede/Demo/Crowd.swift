import Resilience
import Sales

/// Who comes to the sale, and how they behave: a value made from a seed.
struct Crowd {
    /// One buyer with what they do. Most behave; the others are what a shop sees on such a day.
    struct Visitor: Sendable {
        let buyer: BuyerID
        let habit: Habit
        /// 1 to the sale's limit.
        let quantity: Int32
        let key: RequestKey
        /// For a second request of another name.
        let otherKey: RequestKey
    }

    enum Habit: CaseIterable, Sendable {
        case buysOnce
        /// Sends the same request again after its answer, as a reload does.
        case repeats
        /// Sends the same request twice at the same time.
        case doubleClicks
        /// Uses a request key again for another quantity.
        case reusesKey
        /// Asks for more than the limit at once.
        case asksTooMuch
        /// Buys up to the limit and then one more.
        case comesBack

        /// In percent of all visitors.
        fileprivate var share: Int {
            switch self {
            case .buysOnce: 70
            case .repeats: 8
            case .doubleClicks: 8
            case .reusesKey: 5
            case .asksTooMuch: 4
            case .comesBack: 5
            }
        }

        var requests: Int {
            switch self {
            case .buysOnce, .asksTooMuch: 1
            case .repeats, .doubleClicks, .reusesKey, .comesBack: 2
            }
        }
    }

    let visitors: [Visitor]
    let requests: Int

    /// As many visitors as it takes to send at least `requests`.
    init(requests: Int, limit: Int32, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let habits = Habit.allCases.flatMap { Array(repeating: $0, count: $0.share) }
        var visitors: [Visitor] = []
        var sum = 0
        while sum < requests {
            let habit = habits[Int.random(in: habits.indices, using: &random)]
            visitors.append(
                Visitor(
                    buyer: BuyerID(rawValue: Int64(visitors.count) + 1), habit: habit,
                    quantity: .random(in: 1...limit, using: &random),
                    key: RequestKey(rawValue: .random(in: 1...UInt128.max, using: &random)),
                    otherKey: RequestKey(rawValue: .random(in: 1...UInt128.max, using: &random))))
            sum += habit.requests
        }
        self.visitors = visitors
        self.requests = sum
    }
}
