import Foundation
import Testing

/// The demo as `make demo` runs it, only smaller.
@Suite struct DemoTests {
    private func demo(_ arguments: [String]) async throws -> Program.Result {
        let folder = try Folder()
        let result = try await Program(
            ["demo", "--lease-ttl", "1000", "--data", folder.data, "--seed", "7"] + arguments, in: folder
        ).result(within: .seconds(180))
        #expect(folder.processes.isEmpty)
        return result
    }

    @Test func `every unit is sold once, and the last line says so`() async throws {
        let result = try await demo(["--units", "100", "--requests", "3000", "--full-load-orders", "2000"])
        #expect(result.code == 0, "\(result.out)\(result.err)")
        #expect(result.json["ok"] as? Bool == true)
        #expect(result.json["sold"] as? Int == 100)
        #expect(result.json["errors"] as? Int == 0)
        #expect((result.json["requests"] as? Int ?? 0) >= 3_000)
        let refused = try #require(result.json["refused"] as? [String: Int])
        #expect((refused["soldOut"] ?? 0) > 0)
        let load = try #require(result.json["full_load"] as? [String: Any])
        #expect(load["orders"] as? Int == 2_000)
        #expect(load["latency_ms"] is [String: Any])
        #expect((result.json["audit"] as? [String: Any])?["ok"] as? Bool == true)
        #expect(result.json["seed"] as? Int == 7)
    }

    @Test func `a worker that is killed in the middle costs no unit and sells none twice`() async throws {
        let result = try await demo(["--requests", "4000", "--full-load-orders", "0", "--kill-worker"])
        #expect(result.code == 0, "\(result.out)\(result.err)")
        #expect(result.err.contains("kill -9 worker-"))
        #expect(result.err.contains("runs again"))
        #expect(result.json["sold"] as? Int == 1_000)
        #expect((result.json["audit"] as? [String: Any])?["violations"] as? Int == 0)
    }

    @Test func `an interrupted demo stops what it started and removes its folder`() async throws {
        let folder = try Folder()
        let program = try Program(["demo", "--full-load-orders", "50000000"], in: folder)
        let isLoading = await eventually(within: .seconds(120)) { program.out.contains("“Full load”") }
        try #require(isLoading, "\(program.out)\(program.err)")
        let line = try #require(program.out.split(separator: "\n").first)
        let path = try #require(line.split(separator: " ").last)
        program.signal(SIGINT)
        let result = try await program.result()
        #expect(result.code == 130, "\(result.err)")
        #expect(!FileManager.default.fileExists(atPath: String(path)))
    }
}
