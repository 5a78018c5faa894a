import FoundationEssentials
import Glibc

/// Where a demo's cluster lives: the folder that was named, or a fresh one that is removed afterwards.
struct DemoFolder {
    let path: String
    let isTemporary: Bool

    init(_ named: String?) throws(Failure) {
        if let named {
            path = try DataPath.resolve(named)
            isTemporary = false
            return
        }
        // On a disk, because durable is what is being shown: /tmp is often in memory.
        var template = Array("/var/tmp/stampede-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.refused, "no folder can be made in /var/tmp: name one with --data")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        isTemporary = true
    }

    func remove() {
        if isTemporary { try? FileManager.default.removeItem(atPath: path) }
    }
}
