import Foundation
import Testing

/// `stampede lock` against a whole cluster.
@Suite struct LockStoryTests {
    @Test func `a command runs under a lock, with its fence, its exit code and its signals`() async throws {
        let folder = try Folder()
        let cluster = try Program(["up", "--data", folder.data, "--json", "--lease-ttl", "1000"], in: folder)
        let isReady = await eventually(within: .seconds(90)) {
            cluster.out.contains("\n") || !cluster.isRunning
        }
        try #require(isReady && cluster.isRunning, "\(cluster.err)")
        func lock(_ options: [String] = [], _ command: [String]) -> [String] {
            ["lock", "job", "--data", folder.data] + options + ["--"] + command
        }

        let first = try await Program.run(
            lock([], ["sh", "-c", "echo $STAMPEDE_LOCK $STAMPEDE_FENCE; exit 7"]), in: folder)
        #expect(first.code == 7 && first.out == "job 1\n", "\(first.err)")
        let missing = try await Program.run(lock([], ["/no/such/command"]), in: folder)
        #expect(missing.code == 127 && missing.err.contains("/no/such/command"))

        // The command tells when it has begun.
        let holder = try Program(
            lock(["--ttl", "1"], ["sh", "-c", "echo $STAMPEDE_FENCE; exec sleep 3600"]), in: folder)
        #expect(await eventually { holder.out == "3\n" || !holder.isRunning }, "\(holder.err)")
        let refused = try await Program.run(lock(["--wait", "0"], ["true"]), in: folder)
        #expect(refused.code == 1 && refused.err.contains("lockHeld"), "\(refused.err)")
        holder.signal(SIGTERM)
        #expect(try await holder.result().code == 128 + SIGTERM)
        let next = try await Program.run(
            lock(["--wait", "0"], ["sh", "-c", "echo $STAMPEDE_FENCE"]), in: folder)
        #expect(next.code == 0 && next.out == "4\n", "\(next.err)")

        let usage = try await Program.run(["lock", "job", "--data", folder.data], in: folder)
        #expect(usage.code == 64 && usage.err.contains("--"))
        let called = try await Program.run(
            [
                "call", "lock.acquire", #"{"name": "called", "ttl_ms": 500}"#, "--data", folder.data,
            ], in: folder)
        #expect(called.code == 0 && called.out.contains("\"fence\""), "\(called.err)")
        cluster.signal(SIGINT)
        _ = try await cluster.result()
    }
}
