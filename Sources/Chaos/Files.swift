import FoundationEssentials
import Glibc

/// Small files.
enum Files {
    /// The whole file; read to its end, because those below /proc say that they are empty.
    static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += buffer.prefix(count)
        }
    }

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
