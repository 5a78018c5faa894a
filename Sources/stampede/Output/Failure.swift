import ArgumentParser
import Cluster
import Ledger

/// Why a command ends with another exit code than 0: one sentence for whoever typed it.
struct Failure: Error, Equatable {
    enum Code: Int32 {
        /// Refused by the system, or failed.
        case refused = 1
        /// It may or may not have happened; for an audit, it could not run.
        case unknown = 2
        /// EX_USAGE of sysexits.h, as swift-argument-parser has it.
        case usage = 64
        /// A command that was to be run is not there, as a shell reports it.
        case notRunnable = 127
        /// 128 + SIGINT, as a shell reports it.
        case interrupted = 130
    }

    let code: Code
    let sentence: String

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence.asSentence
    }

    init(_ error: ClusterError) { self.init(.refused, error.message) }

    init(_ error: LedgerError, code: Code = .refused) { self.init(code, error.message) }
}

extension String {
    /// With a capital at its beginning, unless that is a path or a name, and a full stop at its end.
    var asSentence: String {
        guard let first, let last else { return self }
        let start = first.isLowercase ? first.uppercased() + dropFirst() : self
        return [".", "!", "?"].contains(last) ? start : start + "."
    }
}
