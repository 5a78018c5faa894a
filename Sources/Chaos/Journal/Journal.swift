import Glibc
import Synchronization

/// What an episode has asked and been told, on disk: one JSON object per line.
///
/// Each line is handed to the kernel before the call begins, or as soon as it has ended, so that it outlives
/// the harness; `sync` brings it to the disk, once a second and at the end of each phase. The machine itself is
/// not among what chaos kills. Times are microseconds since the episode began, on the monotonic clock.
final class Journal: Sendable {
    private let descriptor: Int32
    private let lines = Mutex(0)
    /// CLOCK_MONOTONIC when the episode began, in microseconds.
    private let start: Int64

    /// - Throws: `ChaosError` when the file cannot be made.
    init(path: String) throws(ChaosError) {
        start = Journal.clock(CLOCK_MONOTONIC)
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ChaosError(.folder, "the journal “\(path)” cannot be written: choose another --data")
        }
    }

    deinit { close(descriptor) }

    /// Microseconds since the episode began.
    var now: Int64 { Journal.clock(CLOCK_MONOTONIC) - start }

    /// The machine's wall clock, which is the ledger's, in microseconds since 1970.
    static var wall: Int64 { clock(CLOCK_REALTIME) }

    private static func clock(_ id: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(id, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Appends one line in one system call, so that lines never mix.
    ///
    /// A journal with a hole would judge falsely, so a full disk ends the program.
    func write(_ record: Record) {
        var text = record.text
        text += "}\n"
        let bytes = Array(text.utf8)
        lines.withLock { lines in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                precondition(count > 0, "the journal cannot be written: errno \(errno)")
                rest = rest.dropFirst(count)
            }
            lines += 1
        }
    }

    /// A line of this kind that happens now.
    func record(_ kind: String) -> Record { Record(kind, at: now) }

    /// Brings everything to the disk, and notes how long that took: a disk that stands still holds up every commit.
    func sync() {
        let begin = now
        fdatasync(descriptor)
        write(record("sync").adding("took", now - begin))
    }
}

/// One line of the journal, while it is written.
struct Record {
    private(set) var text: String

    init(_ kind: String, at time: Int64) { text = "{\"e\":\"\(kind)\",\"t\":\(time)" }

    func adding(_ name: String, _ number: some BinaryInteger) -> Record { appending(name, "\(number)") }
    func adding(_ name: String, _ value: Bool) -> Record { appending(name, value ? "true" : "false") }
    func adding(_ name: String, _ value: String) -> Record { appending(name, Record.quoted(value)) }
    func adding(_ name: String, _ values: [Int]) -> Record {
        appending(name, "[" + values.map(String.init).joined(separator: ",") + "]")
    }
    func adding(_ name: String, _ value: Int64?) -> Record {
        value.map { appending(name, "\($0)") } ?? self
    }

    private func appending(_ name: String, _ value: String) -> Record {
        var copy = self
        copy.text += ",\"\(name)\":\(value)"
        return copy
    }

    /// RFC 8259, section 7.
    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..."\u{1f}": text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
