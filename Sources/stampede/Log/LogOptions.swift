import ArgumentParser
import Logging

/// What is logged, and how.
struct LogOptions: ParsableArguments {
    @Option(help: "How log lines on standard error look: text or json. (default: text)")
    var logFormat: String?

    @Option(
        help:
            "The least important level to log: trace, debug, info, notice, warning, error or critical. (default: info)"
    )
    var logLevel: String?

    func logger(_ label: String, _ settings: Settings) throws(Failure) -> Logger {
        let format = try settings.choice(
            logFormat, "log-format", of: LineLogHandler.Format.allCases, default: .text)
        let level = try settings.choice(logLevel, "log-level", of: Logger.Level.allCases, default: .info)
        return Logger(label: label) { LineLogHandler(label: $0, format: format, logLevel: level) }
    }

    /// The same options for a child process.
    func arguments(_ settings: Settings) throws(Failure) -> [String] {
        let format = try settings.string(logFormat, "log-format").map { ["--log-format", $0] } ?? []
        let level = try settings.string(logLevel, "log-level").map { ["--log-level", $0] } ?? []
        return format + level
    }
}
