// `make bench-rpc`: our RPC beside its peers, as ratios of neighbours in time. See bench/README.md.

import Foundation

do {
    let options = try Options(Array(CommandLine.arguments.dropFirst()))
    var bench = try Bench(options)
    try bench.run()
    let report = try Report(bench, options)
    try report.write(to: options.results)
    report.print()
    print("\nwritten to \(options.results)")
    if !report.isMet {
        print("a ratio misses its threshold")
        exit(1)
    }
} catch {
    FileHandle.standardError.write(Data("rpc: \(error)\n".utf8))
    exit(2)
}
