import Configuration
import FoundationEssentials
import Wire

/// The options of a command by their long names: from the command line, else from the environment, else from
/// a JSON file.
struct Settings {
    private let providers: [any ConfigProvider]
    private let reader: ConfigReader

    /// - Parameter file: must exist when it is named; otherwise `STAMPEDE_CONFIG` or `./stampede.json` are read
    ///   if they are there.
    init(
        file: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(Failure) {
        let variables = EnvironmentVariablesProvider(environmentVariables: environment)
            .prefixKeys(with: ["stampede"])
        let named = file ?? environment["STAMPEDE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        var providers: [any ConfigProvider] = [variables]
        if let values = try JSONFileProvider(path: named ?? "stampede.json", mayBeMissing: named == nil) {
            providers.append(values)
        }
        self.providers = providers
        reader = ConfigReader(providers: providers)
    }

    func string(_ flag: String?, _ name: String) throws(Failure) -> String? {
        if let flag { return flag }
        return try value(name, "a string") { try $0.requiredString(forKey: [name]) }
    }

    func strings(_ flags: [String], _ name: String) throws(Failure) -> [String] {
        if !flags.isEmpty { return flags }
        return try value(name, "a list of strings", type: .stringArray) {
            try $0.requiredStringArray(forKey: [name])
        } ?? []
    }

    func integer(_ flag: Int?, _ name: String) throws(Failure) -> Int? {
        if let flag { return flag }
        return try value(name, "a whole number", type: .int) { try $0.requiredInt(forKey: [name]) }
    }

    func integer(
        _ flag: Int?, _ name: String, in range: ClosedRange<Int>, default standard: Int
    ) throws(Failure) -> Int {
        let value = try integer(flag, name) ?? standard
        guard range.contains(value) else {
            throw Failure(
                .usage, "--\(name) is \(value): give a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    /// A switch that is off unless the command line, the environment or the file turns it on.
    func bool(_ flag: Bool, _ name: String) throws(Failure) -> Bool {
        if flag { return true }
        return try value(name, "true or false", type: .bool) { try $0.requiredBool(forKey: [name]) } ?? false
    }

    func choice<Choice: RawRepresentable<String>>(
        _ flag: String?, _ name: String, of choices: [Choice], default standard: Choice
    ) throws(Failure) -> Choice {
        guard let text = try string(flag, name) else { return standard }
        guard let choice = choices.first(where: { $0.rawValue == text }) else {
            let known = choices.map(\.rawValue).joined(separator: ", ")
            throw Failure(.usage, "--\(name) is ‘\(text)’: choose one of \(known)")
        }
        return choice
    }

    func required<Value>(_ value: Value?, _ name: String) throws(Failure) -> Value {
        guard let value else { throw missing(name) }
        return value
    }

    func required(_ values: [String], _ name: String) throws(Failure) -> [String] {
        guard !values.isEmpty else { throw missing(name) }
        return values
    }

    private func missing(_ name: String) -> Failure {
        Failure(.usage, "--\(name) is missing: give it, or set \(Settings.variable(name))")
    }

    static func variable(_ name: String) -> String {
        "STAMPEDE_" + name.uppercased().replacing("-", with: "_")
    }

    /// The library's own optional accessors pass over a value of another type in silence; ours must not.
    private func value<Value>(
        _ name: String, _ kind: String, type: ConfigType = .string, _ read: (ConfigReader) throws -> Value
    ) throws(Failure) -> Value? {
        let key = AbsoluteConfigKey([name])
        let isMissing = providers.allSatisfy { provider in
            (try? provider.value(forKey: key, type: type)).map { $0.value == nil } ?? false
        }
        if isMissing { return nil }
        do {
            return try read(reader)
        } catch {
            throw Failure(
                .usage, "--\(name) must be \(kind): mend \(Settings.variable(name)) or the configuration file"
            )
        }
    }
}

/// The process's own lease TTL and the like, with their bounds.
extension Settings {
    /// Shorter leases would be lost by a pause of the machine, longer ones make a take-over take as long.
    func leaseTTL(_ flag: Int?) throws(Failure) -> Int {
        try integer(flag, "lease-ttl", in: 300...60_000, default: 3_000)
    }
}
