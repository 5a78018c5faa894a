import Foundation
import Testing

/// `stampede chaos` as ops meet it. What it finds is its own matter; here it must heal and clean up.
@Suite struct ChaosStoryTests {
    private static let stopped = """
        name: stopped
        faults:
          - nemesis: pause
            target: postgres
            for: 10m
        """

    private func start(_ plan: String, in folder: Folder) async throws -> Program {
        let path = "\(folder.path)/plan.yaml"
        try plan.write(toFile: path, atomically: true, encoding: .utf8)
        let program = try Program(
            ["chaos", "--plan", path, "--seed", "7", "--data", folder.data], in: folder)
        let isHit = await eventually(within: .seconds(120)) { program.out.contains("pause: postgres") }
        try #require(isHit, "\(program.out)\(program.err)")
        return program
    }

    @Test func `an interrupted run heals what it broke and stops what it started`() async throws {
        let folder = try Folder()
        let program = try await start(Self.stopped, in: folder)
        program.signal(SIGINT)
        let result = try await program.result(within: .seconds(120))
        #expect(result.code == 130, "\(result.out)\(result.err)")
        #expect(result.err.contains("all faults were healed"))
        #expect(folder.processes.isEmpty)
    }

    @Test func `what a run that was killed has left is healed by the next`() async throws {
        let folder = try Folder()
        let program = try await start(Self.stopped, in: folder)
        program.signal(SIGKILL)
        _ = try await program.result()
        // Postgres is asked to end, not killed, and stands still.
        #expect(!folder.processes.isEmpty)
        let next = try await start(Self.stopped, in: folder)
        next.signal(SIGINT)
        _ = try await next.result(within: .seconds(120))
        #expect(folder.processes.isEmpty)
    }

    @Test func `a mistake in a plan is told with its line before anything starts`() async throws {
        let folder = try Folder()
        let path = "\(folder.path)/plan.yaml"
        try "name: x\nfaults:\n  - nemesis: kil\n".write(toFile: path, atomically: true, encoding: .utf8)
        let result = try await Program.run(["chaos", "--plan", path, "--data", folder.data], in: folder)
        #expect(result.code == 64)
        #expect(result.err.contains("plan.yaml, line 3: ‘nemesis’ is ‘kil’"))
        #expect(!FileManager.default.fileExists(atPath: folder.data))
    }

    @Test func `the shipped plans are listed with what they do`() async throws {
        let result = try await Program.run(["chaos", "--list"])
        #expect(result.code == 0)
        #expect(result.out.contains("kill-owner"))
        #expect(result.out.split(separator: "\n").count > 20)
    }
}
