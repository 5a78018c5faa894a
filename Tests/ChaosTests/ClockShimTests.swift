import Foundation
import Testing

@testable import Chaos

/// Against the machine's compiler and a real process.
@Suite struct ClockShimTests {
    @Test func `a process sees its clocks stepped, each by itself, and back again`() async throws {
        let folder = "/tmp/stampede-shim-\(UUID().uuidString)"
        try Files.makeFolder(folder)
        defer { Files.remove(folder) }
        let shim = try await ClockShim.build(in: folder)
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/perl")
        process.arguments = [
            "-MTime::HiRes=time,clock_gettime,CLOCK_MONOTONIC", "-e",
            "$| = 1; while (<STDIN>) { printf \"%.3f %.3f\\n\", time, clock_gettime(CLOCK_MONOTONIC) }",
        ]
        process.environment = shim.environment("perl")
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }
        func clocks() throws -> (wall: Double, monotonic: Double) {
            try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
            let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let numbers = line.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            try #require(numbers.count == 2, "\(line)")
            return (numbers[0] - Date().timeIntervalSince1970, numbers[1])
        }
        let before = try clocks()
        #expect(shim.isLoaded(process.processIdentifier))
        #expect(!shim.isLoaded(getpid()))
        #expect(abs(before.wall) < 5)
        try shim.set(-288_000_000_000, .wall, "perl")
        let stepped = try clocks()
        #expect(abs(stepped.wall + 288) < 5)
        #expect(abs(stepped.monotonic - before.monotonic) < 100)
        try shim.set(3_600_000_000_000, .monotonic, "perl")
        let leapt = try clocks()
        #expect(abs(leapt.wall) < 5)
        #expect(leapt.monotonic - stepped.monotonic > 3_500)
        try shim.set(0, .monotonic, "perl")
        #expect(try clocks().monotonic < leapt.monotonic)
    }
}
