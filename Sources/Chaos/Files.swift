import FoundationEssentials
import Glibc

/// Small files.
enum Files {
    static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    static func write(_ bytes: some Collection<UInt8>, to path: String) throws(ChaosError) {
        do {
            try Data(bytes).write(to: URL(filePath: path))
        } catch {
            throw ChaosError(
                .folder, "“\(path)” cannot be written: free some disk space or choose another --data")
        }
    }

    /// Makes a folder that everybody may pass, because Postgres may run as somebody else.
    static func makeFolder(_ path: String) throws(ChaosError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw ChaosError(.folder, "the folder “\(path)” cannot be made: choose another --data")
        }
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
    static func names(in path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? []
    }

    static func copy(_ path: String, to target: String) {
        remove(target)
        try? FileManager.default.copyItem(atPath: path, toPath: target)
    }
}
