import Foundation

/// How often an operation allocates: counted by the preloaded library, in processes of their own.
enum Allocations {
    /// Of one operation more: what a process needs to begin is in both runs.
    static func perOperation(_ name: String) throws -> Double {
        let count = 10_000
        return (Double(try made(by: name, count * 2)) - Double(try made(by: name, count))) / Double(count)
    }

    private static func made(by name: String, _ count: Int) throws -> UInt64 {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("allocations-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = program
        process.arguments = [name, "\(count)"]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "LD_PRELOAD": program.deletingLastPathComponent().appendingPathComponent("liballocations.so")
                .path,
            "ALLOCATION_COUNTS": file.path,
        ]) { $1 }
        try process.run()
        process.waitUntilExit()
        let bytes = [UInt8](try Data(contentsOf: file))
        // `own` is the first word of `struct allocation_counts`.
        guard process.terminationStatus == 0, bytes.count >= 8 else {
            throw CocoaError(.fileReadCorruptFile)
        }
        return (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
    }
}
