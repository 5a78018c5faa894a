import Foundation

/// How much a comparison of a model with a real server runs.
enum Operations {
    /// In one comparison. `STAMPEDE_MODEL_OPERATIONS` sets it.
    static let count = Int(ProcessInfo.processInfo.environment["STAMPEDE_MODEL_OPERATIONS"] ?? "") ?? 10_000

    /// Fixed in CI. `STAMPEDE_MODEL_SEED` sets another.
    static let seed = UInt64(ProcessInfo.processInfo.environment["STAMPEDE_MODEL_SEED"] ?? "") ?? 1
}
