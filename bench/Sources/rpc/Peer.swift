import Foundation
import Glibc

/// A process that runs as long as this object lives.
final class Peer {
    let name: String
    private let process = Process()

    init(_ name: String, _ program: String, _ arguments: [String], environment: [String: String] = [:])
        throws
    {
        self.name = name
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // What they have to say goes to standard error; a client's summary is read from its own pipe.
        process.standardOutput = FileHandle.standardError
        try process.run()
    }

    deinit { stop() }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    /// CPU time that the process has used, threads that have ended included, in nanoseconds: it never shrinks.
    var cpuTime: UInt64 {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process.processIdentifier, &clock) == 0, clock_gettime(clock, &time) == 0
        else { return lastTime }
        lastTime = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        return lastTime
    }

    /// What was read last, for a process that has ended.
    private var lastTime: UInt64 = 0

    /// Runs a program to its end and returns the summary that it prints.
    static func summary(of program: String, _ arguments: [String]) throws -> Summary {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0,
            let summary = try? JSONDecoder().decode(Summary.self, from: bytes)
        else { throw Failure("\(program) \(arguments.joined(separator: " ")) failed; see above") }
        return summary
    }
}

/// The line of JSON that every client prints.
struct Summary: Codable {
    let calls: Int
    let failed: Int
    let seconds: Double
    let p50: Double
    let p99: Double

    enum CodingKeys: String, CodingKey {
        case calls, failed, seconds
        case p50 = "p50_us"
        case p99 = "p99_us"
    }

    var callsPerSecond: Double { Double(calls) / seconds }
}

/// Where peers meet: TCP ports of the loopback or Unix sockets in a folder of our own.
final class Meeting {
    private let transport: Options.Transport
    private let folder: String
    private var count = 0

    init(_ transport: Options.Transport) throws {
        self.transport = transport
        folder = FileManager.default.temporaryDirectory.path + "/stampede-bench-\(getpid())"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func file(_ name: String) -> String { "\(folder)/\(name)" }

    func endpoint() throws -> String {
        count += 1
        return switch transport {
        case .ipc: "ipc://\(folder)/\(count).sock"
        case .tcp: "tcp://127.0.0.1:\(try Meeting.freePort())"
        }
    }

    /// A port that the kernel has just found free.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var bound = sockaddr_in()
        let code = withAddress(port: 0) { bind(descriptor, $0, $1) }
        let named = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard code == 0, named == 0 else { throw Failure("no TCP port is free on 127.0.0.1") }
        return UInt16(bigEndian: bound.sin_port)
    }

    /// Waits until a server listens at the port.
    static func waitUntilOpen(_ port: UInt16) throws {
        for _ in 0..<200 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            if withAddress(port: port, { connect(descriptor, $0, $1) }) == 0 { return }
            usleep(50_000)
        }
        throw Failure("nobody listens at port \(port) of 127.0.0.1")
    }

    private static func withAddress(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
