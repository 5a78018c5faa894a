import Foundation

/// A temporary folder, removed with its last user.
final class Folder: Sendable {
    let path: String

    init() {
        // mkdtemp(3) makes it 0700: nobody else reaches the sockets in it. Short, because the path of a
        // Unix socket has 107 bytes (unix(7)).
        var template = Array("/tmp/stampede-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe mkdtemp(buffer.baseAddress!) != nil
        }
        precondition(made, "mkdtemp failed (errno \(errno)); make /tmp writable")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
