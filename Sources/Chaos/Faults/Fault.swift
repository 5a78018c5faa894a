/// A fault that found its victims.
protocol Fault: Sendable {
    /// Makes it happen.
    func inject() async throws(ChaosError)
    /// What shows that it happened; asked just before it is healed.
    func evidence() async -> Evidence
    /// Undoes it. May be called at any time and again.
    func heal() async
}

/// Whether a fault was really felt. One that was not makes its episode invalid.
struct Evidence: Sendable {
    let isFelt: Bool
    /// In words, for the report.
    let text: String

    init(_ isFelt: Bool, _ text: String) {
        self.isFelt = isFelt
        self.text = text
    }
}
