import Foundation
import Testing

@testable import stampede

@Suite struct SettingsTests {
    private let file = FileManager.default.temporaryDirectory
        .appendingPathComponent("stampede-settings-\(UUID().uuidString).json")

    private func settings(
        _ environment: [String: String] = [:], file json: String = "{}"
    ) throws -> Settings {
        try Data(json.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try Settings(file: file.path, environment: environment)
    }

    @Test func `a flag comes before the environment, and that before the file`() throws {
        let json = #"{"lease-ttl": 1000, "name": "file", "broker": ["tcp://a:1", "tcp://b:2"]}"#
        let all = try settings(["STAMPEDE_LEASE_TTL": "2000", "STAMPEDE_NAME": "env"], file: json)
        #expect(try all.integer(3_000, "lease-ttl") == 3_000)
        #expect(try all.integer(nil, "lease-ttl") == 2_000)
        #expect(try all.string(nil, "name") == "env")
        let fileOnly = try settings(file: json)
        #expect(try fileOnly.integer(nil, "lease-ttl") == 1_000)
        #expect(try fileOnly.strings([], "broker") == ["tcp://a:1", "tcp://b:2"])
        #expect(try fileOnly.strings(["tcp://c:3"], "broker") == ["tcp://c:3"])
        #expect(try fileOnly.string(nil, "ledger") == nil)
    }

    @Test func `a list in the environment has commas, a switch is true or false`() throws {
        let settings = try settings([
            "STAMPEDE_BROKER": "tcp://a:1,ipc:///b", "STAMPEDE_INSECURE_TCP": "true",
        ])
        #expect(try settings.strings([], "broker") == ["tcp://a:1", "ipc:///b"])
        #expect(try settings.bool(false, "insecure-tcp"))
        #expect(try !settings.bool(false, "kill-worker"))
    }

    @Test func `a value of another kind is a mistake, not a default`() throws {
        let wrong = try settings(["STAMPEDE_LEASE_TTL": "soon"], file: #"{"workers": "two", "name": 7}"#)
        for read in [
            { _ = try wrong.integer(nil, "lease-ttl") }, { _ = try wrong.integer(nil, "workers") },
            { _ = try wrong.string(nil, "name") },
        ] {
            let failure = #expect(throws: Failure.self, performing: read)
            #expect(failure?.code == .usage)
        }
    }

    @Test func `bounds and choices are kept`() throws {
        let settings = try settings()
        #expect(throws: Failure.self) { try settings.leaseTTL(1) }
        #expect(try settings.leaseTTL(nil) == 3_000)
        let choice = #expect(throws: Failure.self) {
            try settings.choice("xml", "log-format", of: LineLogHandler.Format.allCases, default: .text)
        }
        #expect(choice?.sentence == "--log-format is ‘xml’: choose one of text, json.")
        let missing = #expect(throws: Failure.self) { try settings.required(nil as String?, "ledger") }
        #expect(missing?.sentence == "--ledger is missing: give it, or set STAMPEDE_LEDGER.")
    }

    @Test func `a file that is named must be there and be an object`() {
        #expect(throws: Failure.self) { try Settings(file: "/nonexistent/x.json", environment: [:]) }
        #expect(throws: Failure.self) {
            try Settings(file: nil, environment: ["STAMPEDE_CONFIG": "/nonexistent/x.json"])
        }
        #expect(throws: Failure.self) { try settings(file: "[1]") }
        #expect(throws: Failure.self) { try settings(file: "{") }
    }
}
