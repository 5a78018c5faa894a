import Foundation
import Testing

/// Mistakes of whoever types: one sentence on standard error, nothing on standard output, and an exit code.
@Suite struct MistakeTests {
    struct Mistake: CustomTestStringConvertible {
        let arguments: [String]
        let code: Int32
        let words: [String]
        init(_ line: String, _ code: Int32, _ words: String...) {
            arguments = line.split(separator: " ").map(String.init)
            self.code = code
            self.words = words
        }
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let nobody = "--broker tcp://127.0.0.1:9"
    static let wire = "--name n --events 127.0.0.1:9 --ledger x"

    @Test(arguments: [
        Mistake("slae list", 64, "slae", "did you mean ‘sale’"),
        Mistake("order plce", 64, "did you mean ‘place’"),
        Mistake("status --wdie", 64, "--wdie"),
        Mistake("order place --sale 1 --buyer 2 --quantity 0", 64, "‘0’", "quantity"),
        Mistake("order place --sale 1 --buyer 2 --quantity -3", 64, "‘-3’", "quantity"),
        Mistake("order place --sale 1 --buyer 2 --quantity 99999999999", 64, "quantity"),
        Mistake("order place --sale 1 --buyer 0", 64, "buyer"),
        Mistake("order place --sale 1 --buyer 2 --key hello", 64, "‘hello’", "UUID"),
        Mistake("order place --sale one --buyer 2", 64, "‘one’", "sale's number"),
        Mistake("order place --sale 1", 64, "--buyer"),
        Mistake("order show 4711", 64, "‘4711’", "12-4711"),
        Mistake("order settle --sale 1 --buyer 2 --key 0", 64, "request key"),
        Mistake("order wait --sale 1 --buyer 2 --quantity none", 64, "‘none’", "quantity"),
        Mistake("order wait --sale 1", 64, "--buyer"),
        Mistake("order list --sale 1 --state gone", 64, "‘gone’", "reserved"),
        Mistake("order list --sale 1 --format xml", 64, "xml", "csv"),
        Mistake("order list --sale 1 --out /none/there/x", 1, "/none/there/x"),
        Mistake("order watch 4711", 64, "‘4711’", "12-4711"),
        Mistake("sale watch shoes", 64, "‘shoes’", "sale's number"),
        Mistake("sale create x --units 10 --price 1.999", 64, "‘1.999’", "19.99"),
        Mistake("sale create x --units 10 --price cheap", 64, "‘cheap’"),
        Mistake("sale create x --units 10 --price 5 --currency dollars", 64, "‘dollars’"),
        Mistake("sale create x --units 10 --price 5 --opens soon", 64, "‘soon’"),
        Mistake("sale create x --units many --price 5", 64, "‘many’"),
        Mistake("sale show", 64, "sale"),
        Mistake("sale list \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("order place --sale 1 --buyer 2 \(nobody) --timeout 1 --key 1", 1, "tcp://127.0.0.1:9"),
        Mistake("status \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("status --broker nowhere", 64, "‘nowhere’|'nowhere'"),
        Mistake("status --data /var/tmp/stampede-none", 1, "/var/tmp/stampede-none", "stampede up"),
        Mistake("audit --data /var/tmp/stampede-none", 2, "/var/tmp/stampede-none"),
        Mistake("audit --ledger host=127.0.0.1:port=9", 2, "ledger"),
        Mistake("audit --receipt none.json", 64, "--public-key"),
        Mistake("audit --receipt none.json --public-key xyz", 64, "‘xyz’"),
        Mistake("order receipt 4711", 64, "‘4711’", "12-4711"),
        Mistake("order receipt 1-2 --entry 0", 64, "--entry", "from 1 on"),
        Mistake("order recipt 1-2", 64, "did you mean ‘receipt’"),
        Mistake("keygen x --receipts --role worker --out /tmp", 64, "--role"),
        Mistake(
            "worker run --name w --broker x --redis 127.0.0.1:9 --ledger x --receipt-key none.key", 64,
            "none.key"),
        Mistake("migrate", 64, "--ledger", "STAMPEDE_LEDGER"),
        Mistake("migrate --ledger postgres://x@127.0.0.1:9/x", 1, "127.0.0.1:9"),
        Mistake("migrate --ledger postgres://x@127.0.0.1:9/x --partitions 0", 1, "partitions"),
        Mistake(
            "broker --name b --clients tcp://0.0.0.0:7 --workers tcp://127.0.0.1:7", 64, "tcp://0.0.0.0:7",
            "--curve-key", "--allow", "--insecure-tcp"),
        Mistake("broker --name b --clients tcp://127.0.0.1:7 --workers ipc:///none/w", 64, "--insecure-tcp"),
        Mistake("broker --name b --clients ipc:///tmp/c --workers ipc:///none/w", 64, "ipc:///tmp/c", "0700"),
        Mistake(
            "broker --name b --clients tcp://127.0.0.1:7 --workers ipc:///none/w --allow x", 64, "--curve-key"
        ),
        Mistake(
            "broker --name b --clients tcp://127.0.0.1:7 --workers ipc:///none/w --curve-key x", 64, "--allow"
        ),
        Mistake(
            "broker --name b --clients tcp://127.0.0.1:7 --workers ipc:///none/w --curve-key none.key --allow x",
            64,
            "none.key", "cannot be read"),
        Mistake(
            "broker --name b --clients tcp://127.0.0.1:7 --workers ipc:///none/w --curve-key x --insecure-tcp",
            64,
            "--insecure-tcp", "choose one"),
        Mistake("status \(nobody) --broker-key x", 64, "--key-file"),
        Mistake("status \(nobody) --key-file x", 64, "--broker-key"),
        Mistake("status \(nobody) --key-file x --broker-key none.pub", 64, "none.pub"),
        Mistake("keygen ../x --out keys", 64, "‘../x’"),
        Mistake("keygen x", 64, "--out"),
        Mistake("keygen x --out keys --role boss", 64, "‘boss’", "operator"),
        Mistake("keygen x --out none/keys", 1, "none/keys/x.key", "check its folder"),
        Mistake("broker --name b --clients ipc:///none/c --workers ipc:///none/w", 1, "/none/c"),
        Mistake("broker --clients ipc:///none/c", 64, "--name"),
        Mistake("worker --name w --broker tcp://127.0.0.1:9 --redis x --ledger y", 64, "\"x\"", "Redis"),
        Mistake("worker --name w --broker tcp://127.0.0.1:9 --redis 127.0.0.1:9", 64, "--ledger"),
        Mistake("sandbox-provder", 64, "did you mean ‘sandbox-provider’"),
        Mistake("sandbox-provider", 64, "--file", "STAMPEDE_FILE"),
        Mistake("sandbox-provider --file x", 64, "--provider-key-file"),
        Mistake("sandbox-provider --file x --provider-key-file none", 64, "none", "cannot be read"),
        Mistake("notfy", 64, "did you mean ‘notify’"),
        Mistake("notify --name n", 64, "--events", "STAMPEDE_EVENTS"),
        Mistake("notify --name n --events here --ledger x", 64, "\"here\"", "Redis"),
        Mistake("notify --name n --events 127.0.0.1:9 --ledger x", 64, "--smtp", "--sms-url"),
        Mistake("notify \(wire) --smtp http://x", 64, "‘http://x’", "smtps://"),
        Mistake("notify \(wire) --smtp smtp://me:secret@host", 64, "--smtp-user"),
        Mistake("notify \(wire) --smtp smtp://host", 64, "--mail-from"),
        Mistake("notify \(wire) --smtp smtp://host --mail-from me", 64, "--mail-from", "‘me’"),
        Mistake(
            "notify \(wire) --smtp smtp://host --smtp-user me --mail-from a@b", 64, "STAMPEDE_SMTP_PASSWORD"),
        Mistake("notify \(wire) --smtp smtp://host --smtp-user me --smtp-password-file none", 64, "‘none’"),
        Mistake("notify \(wire) --sms-url http://sms.example/x", 64, "--sms-url", "https://"),
        Mistake("notify \(wire) --sms-url https://x --claim 20 --send-timeout 30", 64, "--claim"),
        Mistake("notify \(wire) --sms-url https://x --utc-offset 8", 64, "‘8’", "+08:00"),
        Mistake("notify \(wire) --sms-url https://x --templates none", 64, "‘none’"),
        Mistake("notify test --to nobody --sms-url https://x", 64, "--to"),
        Mistake("notify test --to +8613800138000 --smtp smtp://h --mail-from a@b", 64, "--sms-url"),
        Mistake(
            "notify test --to a@b --occasion lost --smtp smtp://h --mail-from a@b", 64, "‘lost’", "placed"),
        Mistake("notify dead-letters retry --ledger x", 64, "--all"),
        Mistake("notify dead-letters list --ledger postgres://x@127.0.0.1:9/x", 1, "127.0.0.1:9"),
        Mistake("contact set --sale 1 --buyer 2 --language zh", 64, "--mail", "--phone"),
        Mistake("contact set --sale 1 --buyer 2 --language fr --mail a@b", 64, "‘fr’", "zh"),
        Mistake("contact set --sale 1 --buyer 2 --language zh --phone 138", 64, "--phone", "E.164"),
        Mistake(
            "contact set --sale 1 --buyer 2 --language zh --mail nobody", 64, "--mail", "mei@example.com"),
        Mistake("contact erase --sale 1", 64, "--buyer"),
        Mistake("call", 64, "--list", "--describe"),
        Mistake("call sale.get --list", 64, "--list"),
        Mistake("call --list \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("worker lst", 64, "did you mean ‘list’"),
        Mistake("worker list \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("worker drain", 64, "worker drain --help"),
        Mistake("worker drain w \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("worker redis w \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("sale close 7", 64, "--confirm 7"),
        Mistake("sale close 7 --confirm 8", 64, "does not repeat 7"),
        Mistake("sale limit 7 0", 64, "‘0’"),
        Mistake("sale create x --units 1 --price 1 --hold soon", 64, "--hold soon", "15m"),
        Mistake("sale withdraw-units 7 many --confirm 7", 64, "‘many’"),
        Mistake("order revoke 7", 64, "‘7’", "12-4711"),
        Mistake("order cancel 1-2 --buyer 0", 64, "‘0’"),
        Mistake("order pay 7 --buyer 1 --token x", 64, "‘7’", "12-4711"),
        Mistake("order pay 1-2 --buyer 1", 64, "--token", "order pay --help"),
        Mistake("order pay 1-2 --buyer 1 --token x --attempt hello", 64, "‘hello’", "UUID"),
        Mistake(
            "order pay 1-2 --buyer 1 --token x --attempt 1 \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9"),
        Mistake("payments", 64, "--provider", "STAMPEDE_PROVIDER"),
        Mistake("payments reconcle", 64, "reconcle"),
        Mistake("payments --provider ftp://x", 64, "‘ftp://x’", "https://"),
        Mistake("payments --provider http://example.com", 64, "https://"),
        Mistake("payments --provider https://x", 64, "--provider-key-file"),
        Mistake("payments --provider https://x --provider-key-file none.key", 64, "none.key"),
        Mistake("payments --clients tcp://127.0.0.1:9", 64, "--workers", "both or neither"),
        Mistake("payments reconcile --provider https://x", 64, "--provider-key-file"),
        Mistake("worker breaker", 64, "worker breaker --help"),
        Mistake("worker breaker w --force ajar --purpose commit", 64, "‘ajar’", "metrics-only"),
        Mistake("worker breaker w --force open", 64, "--purpose commit"),
        Mistake(
            "worker breaker w --lift --purpose redis", 64, "‘redis’", "commit, control, locks and receipts"),
        Mistake("worker breaker w --force open --lift --purpose commit", 64, "not both"),
        Mistake("worker breaker w --force open --purpose commit --for 2h", 64, "‘2h’", "1h"),
        Mistake("worker breaker w --force open --purpose commit --for soon", 64, "‘soon’", "5m"),
        Mistake("worker breaker w --purpose commit", 64, "--force STATE"),
        Mistake("worker breaker w --lift --purpose commit --for 1m", 64, "--for"),
        Mistake("worker breaker w \(nobody) --timeout 1", 1, "tcp://127.0.0.1:9", "`stampede up`"),
        Mistake("scale", 64, "scale --help"),
        Mistake("scale many", 64, "‘many’", "from 1 to 64"),
        Mistake("scale 65", 64, "‘65’", "from 1 to 64"),
        Mistake("scale 2 --data /var/tmp/stampede-none", 1, "/var/tmp/stampede-none", "stampede up"),
        Mistake("up --workers 0", 64, "--workers"),
        Mistake("up --lease-ttl 1", 64, "--lease-ttl"),
        Mistake("up --log-format xml", 64, "xml"),
        Mistake("up --config none.json", 64, "none.json"),
        Mistake("demo --concurrency 0", 64, "--concurrency"),
        Mistake("relay statu", 64, "did you mean ‘status’"),
        Mistake("relay --sink nowhere", 64, "‘nowhere’", "tables"),
        Mistake("relay --sink redis://h?strem=x", 64, "‘strem’", "relay --help"),
        Mistake("relay --sink redis://h --sink redis://i", 64, "‘redis’", "name="),
        Mistake("relay --sink amqp://h?password-file=none.secret", 64, "none.secret"),
        Mistake("relay --sink amqp://h?password-file=/dev/null", 64, "‘/dev/null’ is not a file"),
        Mistake("relay --source x\u{a0}y --data /var/tmp/stampede-none", 64, "--source"),
        Mistake("relay --data /var/tmp/stampede-none", 1, "/var/tmp/stampede-none", "stampede up"),
        Mistake("relay status --data /var/tmp/stampede-none", 1, "/var/tmp/stampede-none", "stampede up"),
        Mistake("relay status --ledger postgres://x@127.0.0.1:9/x", 1, "127.0.0.1:9"),
        Mistake("relay replay --sink x", 64, "--from"),
        Mistake("relay replay --sink x --from soon", 64, "‘soon’", "-1h"),
        Mistake("relay replay --sink x --from 7", 64, "--partition"),
        Mistake("relay replay --sink tables --from start", 64, "stampede relay rebuild"),
        Mistake("relay --sink https://x", 64, "STAMPEDE_WEBHOOK_SECRET"),
        Mistake("relay dead-letters lst", 64, "did you mean ‘list’"),
        Mistake("relay dead-letters retry --sink x", 64, "--all"),
        Mistake("relay dead-letters retry --sink x --event 7", 64, "‘7’"),
        Mistake("up --sink ftp://x", 64, "‘ftp’"),
    ])
    func `a mistake is answered in one sentence`(_ mistake: Mistake) async throws {
        let result = try await Program.run(mistake.arguments)
        #expect(result.code == mistake.code, "\(result.err)")
        #expect(result.out == "")
        // The request key is told before it is sent.
        let lines = result.err.split(separator: "\n").filter { !$0.hasPrefix("Request key ") }
        #expect(lines.count == 1, "\(result.err)")
        #expect(lines.first?.hasPrefix("Error: ") == true)
        #expect(lines.first?.hasSuffix(".") == true || lines.first?.hasSuffix("?") == true)
        for word in mistake.words {
            let isThere = word.split(separator: "|").contains { result.err.contains($0) }
            #expect(isThere, "“\(word)” is not in \(result.err)")
        }
    }

    @Test func `help, version and completions are results, not mistakes`() async throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try await Program.run(["--generate-completion-script", shell])
            #expect(script.code == 0)
            #expect(script.out.contains("add-units"))
        }
        let help = try await Program.run(["--help"])
        #expect(help.code == 0 && help.out.contains("Exit codes"))
        for command in ["broker", "worker", "keygen", "up", "demo", "audit", "status", "migrate"] {
            let help = try await Program.run([command, "--help"])
            #expect(help.code == 0 && help.out.contains("USAGE: stampede \(command)"))
        }
        #expect(try await Program.run(["--version"]).code == 0)
    }

    @Test func `a worker names the ledger it cannot reach, keeps trying, and stops when told`() async throws {
        let worker = try Program([
            "worker", "--name", "w", "--broker", "tcp://127.0.0.1:9", "--redis", "127.0.0.1:9", "--ledger",
            "host=127.0.0.1 port=9 dbname=x user=x", "--log-format", "json",
        ])
        #expect(await eventually { worker.err.split(separator: "\n").count >= 2 })
        #expect(worker.isRunning)
        let line = try #require(worker.err.split(separator: "\n").first)
        let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(event["level"] == "warning")
        #expect(event["label"] == "w")
        #expect(event["error"]?.contains("127.0.0.1:9") == true)
        worker.signal(SIGTERM)
        #expect(try await worker.result().code == 0)
    }

    @Test func `a broker refuses a taken endpoint, leaves it to its owner, and stops when told`() async throws
    {
        let folder = try Folder()
        let arguments = [
            "broker", "--name", "b", "--clients", "ipc://\(folder.path)/c", "--workers",
            "ipc://\(folder.path)/w",
        ]
        let first = try Program(arguments, in: folder)
        #expect(await eventually { first.err.contains("Listening") })
        let second = try await Program.run(arguments, in: folder)
        #expect(second.code == 1)
        #expect(second.err.contains("ipc://\(folder.path)/c"))
        let status = try await Program.run(
            ["status", "--broker", "ipc://\(folder.path)/c", "--json"], in: folder)
        #expect(status.code == 0)
        #expect((status.json["brokers"] as? [[String: Any]])?.first?["name"] as? String == "b")
        first.signal(SIGTERM)
        #expect(try await first.result().code == 0)
    }
}
