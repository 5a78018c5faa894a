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
            "‘xyzzy’ is no subcommand of `stampede order`: there are place, show, settle."
        ),
        (["up", "--wrokers"], "Unknown option '--wrokers': see `stampede up --help`."),
    ])
    func `a mistyped command is answered with the nearest one`(arguments: [String], sentence: String) {
        let mistake = UsageMistake(
            root: Stampede.self, arguments: arguments, message: "Unknown option '--wrokers'\nUsage: …")
        #expect(mistake.sentence == sentence)
    }

    @Test(arguments: [
        "tcp://127.0.0.1:7000", "tcp://127.1.2.3:7000", "tcp://[::1]:7000", "ipc:///tmp/stampede-nobody.sock",
    ])
    func `a broker listens on this machine unasked`(endpoint: String) {
        #expect(throws: Never.self) { try Listener(endpoint).check(isOpen: false) }
    }

    @Test(arguments: [
        "tcp://0.0.0.0:7000", "tcp://*:7000", "tcp://eth0:7000", "tcp://10.0.0.1:7000", "tcp://[::]:7000",
        "tcp://localhost.evil.example:7000", "tcp://127.0.0.1.evil.example:7000",
    ])
    func `a broker listens beyond this machine only when told twice`(endpoint: String) {
        let failure = #expect(throws: Failure.self) { try Listener(endpoint).check(isOpen: false) }
        #expect(failure?.sentence.contains("--allow-unauthenticated-tcp") == true)
        #expect(throws: Never.self) { try Listener(endpoint).check(isOpen: true) }
    }

    @Test(arguments: ["", "7000", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:7000", "ipc://relative"])
    func `what is no endpoint is refused`(endpoint: String) {
        #expect(throws: Failure.self) { try Listener(endpoint).check(isOpen: true) }
    }

    @Test func `a folder becomes an absolute path`() throws {
        #expect(try DataPath.resolve("/a/./b/../c/") == "/a/c")
        #expect(try DataPath.resolve("x") == FileManager.default.currentDirectoryPath + "/x")
        #expect(throws: Failure.self) { try DataPath.resolve("") }
    }
}
