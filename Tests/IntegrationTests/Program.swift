import Foundation
import Testing

/// The built program, run as a user runs it: in an empty folder and without our environment's settings.
final class Program {
    /// Beside the test bundle's executable.
    static let path: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let besideTests = URL(fileURLWithPath: own).deletingLastPathComponent()
        let candidates =
            [besideTests, Bundle.main.bundleURL]
            + Bundle.allBundles.map {
                $0.bundleURL.deletingLastPathComponent()
            }
        let paths = candidates.map { $0.appendingPathComponent("stampede").path }
        guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
            fatalError("no program beside the tests: looked at \(paths)")
        }
        return path
    }()

    struct Result {
        let code: Int32
        let out: String
        let err: String
        /// What the last line of the output says, as JSON.
        var json: [String: Any] {
            let line = out.split(separator: "\n").last.map(String.init) ?? ""
            return ((try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]) ?? [:]
        }
    }

    let folder: Folder
    private let process = Process()
    private let files: (out: URL, err: URL)
    private let isFolderOurs: Bool

    init(_ arguments: [String], in folder: Folder? = nil, environment: [String: String] = [:]) throws {
        isFolderOurs = folder == nil
        self.folder = try folder ?? Folder()
        let name = UUID().uuidString
        files = (
            self.folder.url.appendingPathComponent("\(name).out"),
            self.folder.url.appendingPathComponent("\(name).err")
        )
        for file in [files.out, files.err] { try Data().write(to: file) }
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = arguments
        process.currentDirectoryURL = self.folder.url
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("STAMPEDE_") }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files.out)
        process.standardError = try FileHandle(forWritingTo: files.err)
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var pid: Int32 { process.processIdentifier }
    var out: String { (try? String(contentsOf: files.out, encoding: .utf8)) ?? "" }
    var err: String { (try? String(contentsOf: files.err, encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end; a program that does not end is killed and fails the test.
    func result(within limit: Duration = .seconds(60)) async throws -> Result {
        let ended = await eventually(within: limit) { !self.process.isRunning }
        if !ended { kill(process.processIdentifier, SIGKILL) }
        try #require(ended, "it still runs after \(limit); \(err)")
        return Result(
            code: process.terminationReason == .exit
                ? process.terminationStatus : 128 + process.terminationStatus, out: out, err: err)
    }

    static func run(
        _ arguments: [String], in folder: Folder? = nil, environment: [String: String] = [:]
    ) async throws -> Result {
        try await Program(arguments, in: folder, environment: environment).result()
    }
}

/// A temporary folder that the user postgres can pass, gone when the value is.
final class Folder: Sendable {
    let url: URL
    var path: String { url.path }
    /// The data folder of a cluster in it.
    var data: String { "\(path)/data" }

    init() throws {
        var template = Array("/var/tmp/stampede-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EACCES) }
        url = URL(
            fileURLWithPath: String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        chmod(url.path, 0o711)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Processes that have this folder on their command line, zombies left out: proc(5).
    var processes: [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap(Int32.init).filter { pid in
            guard pid != getpid(), let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline")
            else {
                return false
            }
            return String(decoding: line, as: UTF8.self).contains(path)
        }
    }
}

/// Waits until the condition holds, and returns whether it does.
func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while try await !condition() {
        if .now > end { return false }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return true
}
