import Foundation

/// Instructions of the loops in `cores`: what N more operations cost, divided by N.
struct CoreCounts {
    let cores: String
    let folder: String
    private let count = 2_000

    init(cores: String, folder: String) {
        self.cores = cores
        self.folder = folder
    }

    func run() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for name in try operations() {
            let once = try instructions(name, count), twice = try instructions(name, 2 * count)
            counts[name] = Int((Double(twice - once) / Double(count)).rounded())
        }
        return counts
    }

    private func operations() throws -> [String] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: cores)
        process.arguments = ["list"]
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func instructions(_ name: String, _ count: Int) throws -> Int {
        try Callgrind(cores, [name, String(count)], file: folder + "/\(name).\(count)")
            .instructions().all
    }
}
