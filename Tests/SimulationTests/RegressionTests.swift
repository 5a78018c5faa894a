import Foundation
import Testing

@testable import Simulation

/// Scenarios that once broke a promise, shrunk. They stay for ever.
@Suite struct RegressionTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Regressions")

    private static let files: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? [])
        .filter { $0.hasSuffix(".json") }.sorted()

    @Test(arguments: files) func `what was mended stays mended`(file: String) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: file))
        let outcome = Simulation.run(try JSONDecoder().decode(Scenario.self, from: data))
        #expect(outcome.violations.isEmpty, "\(file): \(outcome.violations.joined(separator: "\n"))")
    }
}
