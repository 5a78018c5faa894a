import Foundation
import Testing

/// Keys as an operator meets them: made, listed, used, taken back.
@Suite struct SecurityStoryTests {
    @Test func `keys are made, used and taken back while the broker runs`() async throws {
        let folder = try Folder()
        let keyring = try await Keyring(in: folder)
        let broker = try await BrokerProgram(in: folder, keyring.brokerArguments)
        func run(_ command: [String], _ name: String) async throws -> Program.Result {
            try await Program.run(
                command + ["--broker", broker.clients, "--timeout", "3"] + keyring.arguments(name), in: folder
            )
        }
        #expect(try await run(["status", "--json"], "ops").code == 0)
        let service = try await run(["status"], "shop")
        #expect(service.code == 1 && service.err.contains("needsOperator"))
        let health = try await run(["call", "health.check", "{}"], "shop")
        #expect(health.code == 0 && health.out.contains("not-serving"))
        for name in ["nobody", "worker-1"] {
            let stranger = try await run(["status"], name)
            #expect(stranger.code == 1 && stranger.err.contains("keyRefused"))
        }

        let text = try String(contentsOfFile: keyring.list, encoding: .utf8)
        let kept = text.split(separator: "\n").filter { !$0.contains(" shop ") }.joined(separator: "\n")
        try kept.write(toFile: keyring.list, atomically: true, encoding: .utf8)
        broker.program.signal(SIGHUP)
        #expect(await eventually { broker.program.err.contains("The allow-list is in force") })
        #expect(try await run(["call", "health.check", "{}"], "shop").err.contains("keyRefused"))
        #expect(try await run(["status"], "ops").code == 0)
        broker.program.signal(SIGTERM)
        #expect(try await broker.program.result().code == 0)
        let secret = try String(contentsOfFile: keyring.file("broker"), encoding: .utf8)
            .split(separator: "\n").last?.split(separator: " ").last
        #expect(!broker.program.err.contains(try #require(secret)))
    }

    @Test func `a key file is for its owner, and is never written over`() async throws {
        let folder = try Folder()
        let made = try await Program.run(
            ["keygen", "shop", "--out", "keys", "--role", "service,operator"], in: folder)
        #expect(made.code == 0 && made.out.hasPrefix("service,operator shop "))
        let path = "\(folder.path)/keys/shop.key"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let before = try String(contentsOfFile: path, encoding: .utf8)
        let again = try await Program.run(["keygen", "shop", "--out", "keys"], in: folder)
        #expect(again.code == 1 && again.out == "" && again.err.contains("there already"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
    }

    @Test func `a Unix socket is made for its owner alone`() async throws {
        let folder = try Folder()
        let broker = try Program(
            [
                "broker", "--name", "b", "--clients", "ipc://\(folder.path)/c", "--workers",
                "ipc://\(folder.path)/w",
            ], in: folder)
        #expect(await eventually { broker.err.contains("Listening") })
        for name in ["c", "w"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")
            #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
        }
        broker.signal(SIGTERM)
        #expect(try await broker.result().code == 0)
    }

    @Test func `a worker that no broker knows says so`() async throws {
        let folder = try Folder()
        let keyring = try await Keyring(in: folder)
        let broker = try await BrokerProgram(in: folder, keyring.brokerArguments)
        // Without a ledger a worker does not come to its brokers; with a key that it cannot read, not even there.
        let arguments = [
            "worker", "--name", "w", "--broker", broker.workers, "--redis", "127.0.0.1:9", "--ledger",
            "host=127.0.0.1 port=9 dbname=x user=x", "--broker-key", keyring.brokerKey, "--key-file",
        ]
        let result = try await Program.run(arguments + ["\(folder.path)/none.key"], in: folder)
        #expect(result.code == 64 && result.err.contains("none.key"))
    }
}
