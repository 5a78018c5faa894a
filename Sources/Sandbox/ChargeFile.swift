import Foundation
import Glibc

/// The charges on disk: a line of JSON for each change, written through before anybody is told. A line that was cut off by
/// a crash at the end was never told of, and goes.
final class ChargeFile {
    private let descriptor: Int32
    private(set) var book = ChargeBook()

    init(_ path: String) throws(SandboxError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SandboxError("cannot open the charges in ‘\(path)’: \(String(cString: strerror(errno)))")
        }
        // Two sandboxes on one file would charge one attempt twice.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SandboxError("another sandbox uses ‘\(path)’: end it, or name another file")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SandboxError("cannot read the charges in ‘\(path)’")
        }
        var whole = 0
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
            guard let charge = try? JSONDecoder().decode(SandboxCharge.self, from: line) else {
                throw SandboxError("‘\(path)’ is no file of charges, from byte \(whole) on")
            }
            book.apply(charge)
            whole += line.count + 1
        }
        guard ftruncate(descriptor, whole) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
            throw SandboxError("cannot write to ‘\(path)’: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Changes the book, and writes down what has changed before it returns.
    func change(
        _ body: (inout ChargeBook) throws(ChargeBook.Refusal) -> (charge: SandboxCharge, isNew: Bool)
    ) throws(ChargeBook.Refusal) -> (charge: SandboxCharge, isNew: Bool) {
        let result = try body(&book)
        if result.isNew { write(result.charge) }
        return result
    }

    private func write(_ charge: SandboxCharge) {
        guard var line = try? JSONEncoder().encode(charge) else {
            preconditionFailure("a charge can always be written as JSON")
        }
        line.append(UInt8(ascii: "\n"))
        let written = line.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
        // Whoever cannot write down what he took must not go on.
        guard written == line.count, fdatasync(descriptor) == 0 else {
            fatalError("cannot write down a charge: \(String(cString: strerror(errno)))")
        }
    }
}

@available(*, unavailable)
extension ChargeFile: Sendable {}
