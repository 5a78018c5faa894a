import FoundationEssentials
import Glibc
import Logging

/// Writes each event as one line on standard error, for people or for machines.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable {
        /// `2030-01-31T10:00:00.000Z warning broker-1: A worker was lost worker=worker-2`
        case text
        /// `{"ts":…,"level":…,"msg":…,"label":…}` and the metadata's keys.
        case json
    }

    let label: String
    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// Takes a line without its end. Replaced in tests.
    var write: @Sendable (String) -> Void = { Terminal.message($0) }
    var now: @Sendable () -> Date = { Date() }

    init(label: String, format: Format, logLevel: Logger.Level) {
        self.label = label
        self.format = format
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        let values = all.sorted { $0.key < $1.key }
        let time = now().formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
        switch format {
        case .text:
            let words = values.map { " \($0.key)=\(LineLogHandler.quoted("\($0.value)"))" }.joined()
            write("\(time) \(event.level) \(label): \(event.message)\(words)".oneLine)
        case .json:
            let members: [(String, JSON)] = [
                ("ts", .string(time)), ("level", .string("\(event.level)")),
                ("msg", .string("\(event.message)")), ("label", .string(label)),
            ]
            // A key of ours wins over metadata of the same name: no reader expects one twice.
            let names = Set(members.map(\.0))
            let rest = values.filter { !names.contains($0.key) }.map { ($0.key, JSON($0.value)) }
            write(JSON.object(members + rest).text)
        }
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && !value.contains { $0.isWhitespace || $0 == "\"" }
        return isPlain ? value : "\"\(value.replacing("\"", with: "\\\""))\""
    }
}

extension String {
    /// Without line breaks, so that nobody can forge a line of the log.
    fileprivate var oneLine: String {
        contains(where: \.isNewline) ? String(map { $0.isNewline ? " " : $0 }) : self
    }
}

extension JSON {
    fileprivate init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .stringConvertible(let number as any BinaryInteger): self = .integer(Int64(clamping: number))
        case .stringConvertible(let flag as Bool): self = .bool(flag)
        case .stringConvertible(let other): self = .string("\(other)")
        case .array(let values): self = .array(values.map { JSON($0) })
        case .dictionary(let values):
            self = .object(values.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) })
        }
    }
}
