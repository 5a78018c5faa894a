import ChaosFiles
import Cluster
import FoundationEssentials

/// What the checker says of an episode.
public struct Verdict: Codable, Sendable {
    public struct Row: Codable, Sendable {
        /// `P1` to `P8`, or what else is judged.
        public let promise: String
        public let sentence: String
        /// How many things were looked at. A check of nothing proves nothing.
        public let checked: Int
        public let violations: Int
        /// Up to five, in words.
        public let examples: [String]
    }

    public struct Fault: Codable, Sendable {
        public let nemesis: String
        public let targets: String
        /// Orders a second in the two seconds before.
        public let rateBefore: Int
        /// Milliseconds until the first success on every affected partition; nil when there was none.
        public let firstSuccess: Int?
        /// Milliseconds until nine tenths of the rate before.
        public let fullRate: Int?
        /// Requests that failed, out of how many.
        public let failed: Int
        public let requests: Int
        /// The longest of a single attempt's refusals, in milliseconds.
        public let slowestRefusal: Int?
        public let evidence: String
    }

    public let plan: String
    public let seed: UInt64
    /// Why nothing can be concluded; empty when something can.
    public let invalid: [String]
    public let rows: [Row]
    public let faults: [Fault]
    public let requests: Int
    public let orders: Int
    public let unknown: Int
    /// How late one call in a hundred began, in milliseconds: what a busy machine adds to every time here.
    public let lateness: Int

    public var violations: Int { rows.reduce(0) { $0 + $1.violations } }
    public var isValid: Bool { invalid.isEmpty }

    /// Runs the checker on the results of an episode and leaves its page there, too.
    public static func judge(_ episode: Episode) async throws(ChaosError) -> Verdict {
        let folder = episode.results
        for file in ChaosFiles.checker { try Files.write(file.text, to: "\(folder)/\(file.name)") }
        let log = "\(folder)/check.log"
        let status = await Tool(name: "python3", log: log).run(
            ["\(folder)/check.py", folder], atMost: .seconds(300))
        if status == Tool.missing {
            throw ChaosError(.missingTool, "python3 is not installed: run `apt-get install python3` as root")
        }
        guard let text = Files.text("\(folder)/verdict.json"),
            let verdict = try? JSONDecoder().decode(Verdict.self, from: Data(text.utf8))
        else {
            throw ChaosError(.checker, "the checker gave no verdict: see \(log)")
        }
        return verdict
    }
}
