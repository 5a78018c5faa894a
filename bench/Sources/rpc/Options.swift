import Foundation

/// What the command line says. Defaults are those of `make bench-rpc`.
struct Options {
    enum Transport: String {
        case tcp
        case ipc
    }

    /// Of all sides but grpc-swift's, which has TCP only and is compared with ours over TCP.
    var transport = Transport.tcp
    /// Each round measures everything once, so that neighbours in time are compared.
    var rounds = 7
    /// Calls made before the clock starts, and while it runs, in milliseconds.
    var warmUp = 250
    var measured = 700
    var stampede = "../.build/release/stampede"
    /// Folder of the grpc-swift programs; empty to leave them out.
    var grpc = "grpc/.build/release"
    var thresholds = "thresholds.json"
    var results = "results/rpc.json"
    /// Names of comparisons to make; empty for all.
    var only: [String] = []

    static let usage = """
        usage: rpc [--transport tcp|ipc] [--rounds N] [--warmup MS] [--measure MS] [--stampede PATH]
                   [--grpc FOLDER or empty] [--thresholds FILE] [--results FILE] [--only COMPARISON,…]

        comparisons: forwarding, end-to-end, refusals, grpc, allocations
        """

    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Failure(Options.usage) }
            switch name {
            case "--transport":
                guard let known = Transport(rawValue: value) else { throw Failure(Options.usage) }
                transport = known
            case "--rounds": rounds = try Options.positive(value)
            case "--warmup": warmUp = try Options.positive(value)
            case "--measure": measured = try Options.positive(value)
            case "--stampede": stampede = value
            case "--grpc": grpc = value
            case "--thresholds": thresholds = value
            case "--results": results = value
            case "--only": only = value.split(separator: ",").map(String.init)
            default: throw Failure(Options.usage)
            }
        }
    }

    func wants(_ comparison: String) -> Bool { only.isEmpty || only.contains(comparison) }

    private static func positive(_ text: String) throws(Failure) -> Int {
        guard let value = Int(text), value > 0 else { throw Failure(usage) }
        return value
    }
}

/// Something that ends the benchmark, in a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
