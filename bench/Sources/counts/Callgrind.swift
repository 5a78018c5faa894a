import Foundation

/// Something that ends the program, in a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A program under callgrind.
struct Callgrind {
    let file: String
    private let process = Process()

    init(_ program: String, _ arguments: [String], file: String) throws {
        self.file = file
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["valgrind", "--tool=callgrind", "--quiet", "--callgrind-out-file=\(file)", program] + arguments
        // Seeds that differ from run to run would make hash tables differ, too.
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        try process.run()
    }

    /// A copy of a program without its debugging information, some of which valgrind 3.19 cannot read.
    static func stripped(_ program: String, into folder: String) throws -> String {
        let copy = folder + "/" + (program.split(separator: "/").last ?? "program")
        let strip = try Process.run(
            URL(fileURLWithPath: "/usr/bin/env"), arguments: ["strip", "--strip-debug", "-o", copy, program])
        strip.waitUntilExit()
        guard strip.terminationStatus == 0 else { throw Failure("strip failed; install binutils") }
        return copy
    }

    var isRunning: Bool { process.isRunning }

    /// Asks it to end.
    func terminate() { process.terminate() }

    /// Waits for the end and returns the instructions of each object file, by its last path component.
    func instructions() throws -> [String: Int] {
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("valgrind failed; is it installed? See above.")
        }
        return Callgrind.sum(try String(contentsOfFile: file, encoding: .utf8))
    }

    /// Sums the self cost by object. The format: https://valgrind.org/docs/manual/cl-format.html
    static func sum(_ text: String) -> [String: Int] {
        var names: [Substring: String] = [:]
        var sums: [String: Int] = [:]
        var object = "?"
        // The line after "calls=" is the cost of the callee, which has lines of its own.
        var isCalleeCost = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("ob=") || line.hasPrefix("cob=") {
                let parts = line.drop { $0 != "=" }.dropFirst().split(separator: " ", maxSplits: 1)
                if parts.count == 2 {
                    names[parts[0]] = parts[1].split(separator: "/").last.map(String.init) ?? "?"
                }
                if line.hasPrefix("ob=") { object = names[parts[0]] ?? "?" }
            } else if line.hasPrefix("calls=") {
                isCalleeCost = true
            } else if let first = line.utf8.first,
                first == 0x2b || first == 0x2d || first == 0x2a || isDigit(first)
            {
                if !isCalleeCost, let cost = line.split(separator: " ").last.flatMap({ Int($0) }) {
                    sums[object, default: 0] += cost
                }
                isCalleeCost = false
            }
        }
        return sums
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

extension [String: Int] {
    /// Instructions of our own code and Swift's runtime; the rest is libzmq and the C library.
    var own: Int {
        reduce(0) { sum, entry in
            let isOurs =
                entry.key.hasPrefix("stampede") || entry.key.hasPrefix("libswift") || entry.key == "cores"
            return isOurs ? sum + entry.value : sum
        }
    }
    var all: Int { values.reduce(0, +) }
}
