import ArgumentParser
import Conformance
import Wire
import ZeroMQ

struct ConformanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance", abstract: "Examine a server or a client against PROTOCOL.md.",
        discussion: """
            stampede conformance tcp://127.0.0.1:7100            examine the server that listens there
            stampede conformance --orders ipc:///run/c.sock      its sales too: creates a sale of three units
            stampede conformance --serve tcp://127.0.0.1:7200    listen there, and examine who connects

            With --serve, let your client connect and call conformance.echo, busy, maybe, refused, silent, \
            count, sum and chat; what it has not shown yet is listed with how to show it. Ends when all is \
            seen, after --timeout, or with Ctrl-C. Exit code 1 if a rule is broken.
            """)

    @Argument(help: "Where the server listens, or where to listen: tcp://host:port or ipc:///path.")
    var address: String

    @Flag(help: "Examine clients: listen at the address.")
    var serve = false

    @Flag(help: "Examine sales too, by creating one and selling it out.")
    var orders = false

    @Option(help: ArgumentHelp("How long to wait for clients with --serve.", valueName: "seconds"))
    var timeout = 60

    @Flag(help: "Print one JSON object per rule.")
    var json = false

    @OptionGroup var config: ConfigOptions
    @OptionGroup var keys: KeyOptions

    func run() throws {
        guard address.hasPrefix("tcp://") || address.hasPrefix("ipc://") else {
            throw Failure(.usage, "‘\(address)’ is not an address: write tcp://host:port or ipc:///path")
        }
        guard !(serve && orders) else {
            throw Failure(.usage, "--orders examines a server and --serve a client: give one of them")
        }
        guard 1...3_600 ~= timeout else {
            throw Failure(.usage, "--timeout is \(timeout): give a number from 1 to 3600")
        }
        let findings = serve ? try examineClients() : try examineServer()
        let failures = findings.count(where: \.isFailure)
        guard !json else {
            if failures > 0 { throw Failure(.refused, "\(failures) of \(findings.count) rules are broken") }
            return
        }
        let unseen = findings.count { if case .notSeen = $0.outcome { true } else { false } }
        Terminal.message(
            "\(findings.count - failures - unseen) passed, \(failures) failed, \(unseen) not seen.")
        if failures > 0 { throw Failure(.refused, "\(failures) of \(findings.count) rules are broken") }
    }

    private func examineServer() throws -> [Finding] {
        let security = try keys.load(try config.settings(), for: [address])?.security(for: address) ?? .none
        var findings: [Finding] = []
        let number = Int64.random(in: 1_000_000_000...(.max / 2))
        ServerExam(address, security: security, sellsOrders: orders, saleNumber: number).run { finding in
            findings.append(finding)
            show(finding)
        }
        return findings
    }

    private func examineClients() throws -> [Finding] {
        let loop = EventLoop()
        let server: ClientExamServer
        do throws(ZeroMQError) {
            server = try ClientExamServer(address, context: Context(), loop: loop)
        } catch {
            throw Failure(.refused, "cannot listen at \(address): \(error)")
        }
        Terminal.message(
            "Listening at \(server.endpoint); connect a client that calls conformance.echo and the others.")
        _ = loop.run(atMost: .seconds(Int64(timeout))) { server.exam.isComplete }
        for finding in server.exam.report { show(finding) }
        return server.exam.report
    }

    private func show(_ finding: Finding) {
        guard !json else { return Terminal.result(finding.json.text) }
        switch finding.outcome {
        case .passed: Terminal.result("passed    \(finding.rule)")
        case .failed(let seen): Terminal.result("FAILED    \(finding.rule): \(seen) (\(finding.section))")
        case .notSeen(let how): Terminal.result("not seen  \(finding.rule): \(how)")
        }
    }
}

extension Finding {
    fileprivate var json: JSON {
        let (word, detail): (String, JSON) =
            switch outcome {
            case .passed: ("passed", .null)
            case .failed(let seen): ("failed", .string(seen))
            case .notSeen(let how): ("not-seen", .string(how))
            }
        return .object([
            ("section", .string(section)), ("rule", .string(rule)), ("outcome", .string(word)),
            ("detail", detail),
        ])
    }
}
