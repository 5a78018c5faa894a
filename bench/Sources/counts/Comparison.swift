import Foundation

/// New counts beside those of the last commit.
struct Comparison {
    let new: [String: Int]
    /// Where the counts are kept.
    let file: String

    /// Prints both and writes the new ones.
    func report() throws {
        let old = committed()
        print("instructions per operation".padded(34) + "committed".leftPadded(11) + "now".leftPadded(11))
        for name in Set(new.keys).union(old.keys).sorted() {
            var line = name.padded(34)
            line += (old[name].map(String.init) ?? "–").leftPadded(11)
            line += (new[name].map(String.init) ?? "–").leftPadded(11)
            if let before = old[name], let now = new[name], before > 0 {
                let change = 100 * (Double(now) / Double(before) - 1)
                line += String(format: "%+9.1f %%", change)
            }
            print(line)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(new) + Data("\n".utf8)).write(to: URL(fileURLWithPath: file))
        print("written to \(file)")
    }

    /// What the last commit says; nothing when it has no such file.
    private func committed() -> [String: Int] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "show", "HEAD:./\(file)"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return [:] }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (try? JSONDecoder().decode([String: Int].self, from: bytes)) ?? [:]
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
    fileprivate func leftPadded(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
