// `make bench-counts`: instructions per operation, counted by callgrind. Unlike times they are the same on a busy
// machine, and differ between two commits by what the commits changed.

import Foundation

do {
    let programs = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path
    guard CommandLine.arguments.count == 3 else { throw Failure("usage: counts STAMPEDE COUNTS_FILE") }
    let (stampede, file) = (CommandLine.arguments[1], CommandLine.arguments[2])
    let folder = FileManager.default.temporaryDirectory.path + "/stampede-counts-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cores = try Callgrind.stripped(programs + "/cores", into: folder)
    let broker = try Callgrind.stripped(stampede, into: folder)
    var counts = try CoreCounts(cores: cores, folder: folder).run()
    counts.merge(try BrokerCounts(stampede: broker, peers: programs + "/peers", folder: folder).run()) { $1 }
    try Comparison(new: counts, file: file).report()
} catch {
    FileHandle.standardError.write(Data("counts: \(error)\n".utf8))
    exit(2)
}
