import Foundation
import Testing

/// A mail server (aiosmtpd) and a provider of short messages, in a process of their own.
final class Gateways {
    /// The Python of the tools that `make` pins; nil where they are not installed.
    static let python: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let python = root.appending(path: ".build/python-venv/bin/python").standardizedFileURL.path
        let hasServer = FileManager.default.fileExists(
            atPath: root.appending(path: ".build/python-venv/bin/aiosmtpd").standardizedFileURL.path)
        return hasServer ? python : nil
    }()

    static let password = "geheim 秘密"

    /// What a gateway took, or refused.
    struct Entry: Decodable {
        let kind: String
        var id: String?
        var subject: String?
        var text: String?
        var key: String?
        var tls: Bool?
        var user: String?
        var raw: String?
        /// Its name, the same for every sending of one message.
        var name: String { id ?? key ?? "" }
    }

    private struct Ports: Decodable {
        let smtp: Int
        let http: Int
    }

    let folder: Folder
    private var ports: Ports?
    private var process: Process?
    private var input: Pipe?

    init(in folder: Folder) throws {
        self.folder = folder
        try start()
    }

    deinit { stop() }

    var smtp: String { "smtp://127.0.0.1:\(ports?.smtp ?? 0)" }
    var sms: String { "http://127.0.0.1:\(ports?.http ?? 0)/messages" }
    var certificate: String { "\(folder.path)/cert.pem" }

    /// Starts both, on the ports that they had before.
    func start() throws {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: try #require(Gateways.python))
        process.arguments = [
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "gateways.py").path,
            folder.path,
            "--smtp-port", "\(ports?.smtp ?? 0)", "--http-port", "\(ports?.http ?? 0)",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        (self.process, self.input) = (process, input)
        let line = output.fileHandleForReading.availableData
        ports = try JSONDecoder().decode(Ports.self, from: line)
    }

    /// Ends both, as a crash would.
    func stop() {
        guard let process else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
        try? input?.fileHandleForWriting.close()
    }

    /// How they behave from now on; see `gateways.py`.
    func mode(mail: String = "ok", sms: String = "ok") throws {
        try #"{"mail": "\#(mail)", "sms": "\#(sms)"}"#.write(
            toFile: "\(folder.path)/mode", atomically: true, encoding: .utf8)
    }

    /// Everything since the start.
    var journal: [Entry] {
        let text = (try? String(contentsOfFile: "\(folder.path)/journal", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Entry.self, from: Data($0.utf8))
        }
    }

    func taken(_ kind: String) -> [Entry] { journal.filter { $0.kind == kind } }
}
