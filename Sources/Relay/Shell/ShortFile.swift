import Glibc

/// Files of one secret.
enum ShortFile {
    /// Longer files hold something else.
    static let limit = 4_096

    /// The text of a file; nil when it cannot be read, is no UTF-8 or too long.
    static func read(_ path: String) -> String? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
        guard count <= limit else { return nil }
        return String(validating: bytes.prefix(count), as: UTF8.self)
    }
}
