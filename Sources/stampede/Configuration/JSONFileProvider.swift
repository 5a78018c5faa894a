import Configuration
import FoundationEssentials

/// A JSON file's values. The library's own provider reads files asynchronously, which would make threads
/// before a broker or worker has blocked its signals.
struct JSONFileProvider: ConfigProvider {
    private let values: JSONSnapshot

    var providerName: String { values.providerName }

    /// Nil when there is no such file and there need not be one.
    init?(path: String, mayBeMissing: Bool) throws(Failure) {
        guard let data = FileManager.default.contents(atPath: path) else {
            if mayBeMissing && !FileManager.default.fileExists(atPath: path) { return nil }
            throw Failure(.usage, "the configuration file ‘\(path)’ cannot be read: check its path")
        }
        do {
            let bytes = [UInt8](data)
            values = try JSONSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
        } catch {
            throw Failure(
                .usage,
                "the configuration file ‘\(path)’ is not one JSON object of strings, numbers and lists: mend it"
            )
        }
    }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        try values.value(forKey: key, type: type)
    }

    nonisolated(nonsending) func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws
        -> LookupResult
    {
        try value(forKey: key, type: type)
    }

    func snapshot() -> any ConfigSnapshot { values }

    nonisolated(nonsending) func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey, type: ConfigType,
        updatesHandler:
            nonisolated(nonsending) (
                ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    nonisolated(nonsending) func watchSnapshot<Return: ~Copyable>(
        updatesHandler:
            nonisolated(nonsending) (
                ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
