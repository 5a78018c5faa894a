import ArgumentParser
import Foundation
import Sales
import Testing

@testable import stampede

@Suite struct CommandLineTests {
    @Test func `a sale is read as typed`() throws {
        let command = try #require(
            try Stampede.parseAsRoot([
                "sale", "create", "Sneaker", "--units", "1000", "--price", "89.90", "--limit", "2", "--sale",
                "7",
                "--closes", "+1h",
            ]) as? SaleCreate)
        let now = Date(timeIntervalSince1970: 1_900_000_000)
        let request = try command.request(now: now)
        #expect(request.sale == SaleID(rawValue: 7))
        #expect(request.price == 8_990)
        #expect(request.currency == "USD")
        #expect(request.units == 1_000)
        #expect(request.limit == 2)
        #expect(request.opensAt == nil)
        #expect(request.closesAt == LedgerTime(rawValue: 1_900_003_600_000_000))
    }

    @Test(arguments: [
        ["--units", "0"], ["--units", "-5"], ["--units", "99999999999"], ["--price", "-1"],
        ["--price", "1.999"], ["--currency", "usd"], ["--limit", "0"], ["--sale", "0"], ["--opens", "soon"],
        ["--closes", "+0s"], ["--opens", "+1h", "--closes", "+1m"], ["--closes", "now"],
    ])
    func `a sale that makes no sense is refused before it is sent`(wrong: [String]) throws {
        var arguments = ["--units": "10", "--price": "1"]
        for index in stride(from: 0, to: wrong.count, by: 2) { arguments[wrong[index]] = wrong[index + 1] }
        let line = ["sale", "create", "x"] + arguments.flatMap { [$0.key, $0.value] }
        let command = try #require(try Stampede.parseAsRoot(line) as? SaleCreate)
        let failure = #expect(throws: Failure.self) { try command.request(now: Date()) }
        #expect(failure?.code == .usage)
    }

    @Test(arguments: [
        (["slae"], "‘slae’ is no subcommand of `stampede`: did you mean ‘sale’?"),
        (["sale", "shwo"], "‘shwo’ is no subcommand of `stampede sale`: did you mean ‘show’?"),
        (
            ["order", "xyzzy"],
            "‘xyzzy’ is no subcommand of `stampede order`: there are place, pay, wait, show, list, watch, receipt, "
                + "settle, cancel, revoke."
        ),
        (["up", "--wrokers"], "Unknown option '--wrokers': see `stampede up --help`."),
    ])
    func `a mistyped command is answered with the nearest one`(arguments: [String], sentence: String) {
        let mistake = UsageMistake(
            root: Stampede.self, arguments: arguments, message: "Unknown option '--wrokers'\nUsage: …")
        #expect(mistake.sentence == sentence)
    }

    @Test(arguments: ["tcp://127.0.0.1:7000", "tcp://0.0.0.0:7000", "tcp://*:7000", "tcp://[::1]:7000"])
    func `a broker listens on TCP with keys, or when told that anybody may come`(endpoint: String) {
        let failure = #expect(throws: Failure.self) {
            try Listener(endpoint).check(asksForKeys: false, isInsecure: false)
        }
        #expect(failure?.sentence.contains("--curve-key") == true)
        #expect(failure?.sentence.contains("--insecure-tcp") == true)
        #expect(throws: Never.self) { try Listener(endpoint).check(asksForKeys: true, isInsecure: false) }
        #expect(throws: Never.self) { try Listener(endpoint).check(asksForKeys: false, isInsecure: true) }
    }

    @Test func `a Unix socket is not put where others could replace it`() throws {
        let folder = NSTemporaryDirectory() + "stampede-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (mode, isFine) in [(0o700, true), (0o755, true), (0o770, false), (0o777, false), (0o1777, false)]
        {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
            let check = { try Listener("ipc://\(folder)/s").check(asksForKeys: false, isInsecure: false) }
            if isFine {
                #expect(throws: Never.self, "\(String(mode, radix: 8))") { try check() }
            } else {
                let failure = #expect(throws: Failure.self, "\(String(mode, radix: 8))") { try check() }
                #expect(failure?.sentence.contains("0700") == true)
            }
        }
        #expect(throws: Never.self) {
            try Listener("ipc:///no-such-folder/s").check(asksForKeys: false, isInsecure: false)
        }
    }

    @Test(arguments: ["", "7000", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:7000", "ipc://relative"])
    func `what is no endpoint is refused`(endpoint: String) {
        #expect(throws: Failure.self) { try Listener(endpoint).check(asksForKeys: true, isInsecure: true) }
    }

    @Test func `a folder becomes an absolute path`() throws {
        #expect(try DataPath.resolve("/a/./b/../c/") == "/a/c")
        #expect(try DataPath.resolve("x") == FileManager.default.currentDirectoryPath + "/x")
        #expect(throws: Failure.self) { try DataPath.resolve("") }
    }
}
