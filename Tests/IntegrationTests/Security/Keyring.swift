import Foundation
import Testing
import ZeroMQ

/// Keys made as an operator makes them, in a folder, and the broker's list of them.
struct Keyring {
    let folder: Folder

    static let roles = ["shop": "service", "ops": "operator", "worker-1": "worker"]

    var list: String { "\(folder.path)/allow.list" }
    func file(_ name: String) -> String { "\(folder.path)/keys/\(name).key" }
    var brokerKey: String { "\(folder.path)/keys/broker.pub" }

    init(in folder: Folder) async throws {
        self.folder = folder
        try await make("broker")
        try await make("nobody")
        var lines = ""
        for (name, role) in Self.roles { lines += try await make(name, role) }
        try lines.write(toFile: list, atomically: true, encoding: .utf8)
    }

    /// Returns the line for the list.
    @discardableResult
    private func make(_ name: String, _ role: String = "service") async throws -> String {
        let result = try await Program.run(["keygen", name, "--out", "keys", "--role", role], in: folder)
        try #require(result.code == 0, "\(result.err)")
        return result.out
    }

    /// What a broker is started with.
    var brokerArguments: [String] { ["--curve-key", file("broker"), "--allow", list] }

    /// What a command that connects is given.
    func arguments(_ name: String) -> [String] { ["--broker-key", brokerKey, "--key-file", file(name)] }

    func keys(_ name: String) throws -> ConnectionKeys {
        try ConnectionKeys(broker: brokerKey, file: file(name))
    }
}

/// A broker as a process of its own, on TCP ports that the system chose.
struct BrokerProgram {
    let program: Program
    let clients: String
    let workers: String
    var port: UInt16 { UInt16(clients.split(separator: ":").last ?? "") ?? 0 }
    var workersPort: UInt16 { UInt16(workers.split(separator: ":").last ?? "") ?? 0 }

    init(in folder: Folder, _ arguments: [String]) async throws {
        let program = try Program(
            ["broker", "--name", "b", "--clients", "tcp://127.0.0.1:0", "--workers", "tcp://127.0.0.1:0"]
                + arguments, in: folder)
        self.program = program
        try #require(
            await eventually { program.err.contains("Listening") || !program.isRunning }, "\(program.err)")
        func endpoint(_ name: String) throws -> String {
            let text = program.err
            let start = try #require(text.range(of: "\(name)="), "\(text)").upperBound
            return String(text[start...].prefix { !$0.isWhitespace })
        }
        clients = try endpoint("clients")
        workers = try endpoint("workers")
    }

    /// Resident memory, in bytes: proc(5).
    var memory: Int {
        let text = (try? String(contentsOfFile: "/proc/\(program.pid)/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4_096
    }
}
