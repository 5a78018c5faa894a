import Chaos
import FoundationEssentials
import Glibc

/// The folder that all episodes are played in, one after the other, each in a folder of its own.
struct ChaosFolder {
    let path: String

    /// - Parameter named: else one beside the standard data folder, on a disk like that.
    init(_ named: String?) throws(Failure) {
        path =
            try named.map { name throws(Failure) in try DataPath.resolve(name) }
            ?? "/var/tmp/stampede-chaos-\(geteuid())"
    }

    func episode(_ number: Int) -> String { "\(path)/episode-\(number)" }

    func remove(_ number: Int) { try? FileManager.default.removeItem(atPath: episode(number)) }
}
