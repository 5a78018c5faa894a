import Foundation
import PostgresTestSupport
import Redis
import RedisTestSupport
import Testing

/// `stampede notify` against a real mail server and a provider of short messages.
@Suite(
    .enabled(if: Gateways.python != nil, "needs aiosmtpd: `make .build/python-venv/ready`"))
struct NotifyStoryTests {
    @Test func `buyers hear of their orders once, in their language, by mail and short message`() async throws
    {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "mei@example.com", phone: "+8613800138000")
        try scene.contact(2, mail: "joe@example.com", language: "en")
        let notifier = try scene.notify()
        let first = try scene.publish(buyer: 1)
        let second = try scene.publish("stampede.payment.taken", buyer: 2)
        try scene.publish("stampede.payment.begun", buyer: 2)
        try scene.publish(
            #"{"specversion": "1.0", "id": "3-9", "type": "stampede.sale.created", "data": {}}"#)
        // The relay delivers at least once.
        try scene.publish(id: first, buyer: 1)
        try scene.publish(id: second, "stampede.payment.taken", buyer: 2)
        try #require(
            try await eventually { try scene.states() == "sent|3" && (try scene.pending()) == 0 },
            "\(scene.shown) \(notifier.err)")
        let mails = scene.gateways.taken("mail")
        #expect(mails.count == 2)
        let chinese = try #require(mails.first { $0.id == "<\(first).mail@shop.example>" })
        #expect(chinese.subject == "您的订单 \(first) 已预留")
        #expect(chinese.text?.contains("请在 2030-06-18 20:15 (UTC+08:00) 之前完成付款，逾期未付，商品将重新发售。") == true)
        #expect(chinese.tls == true && chinese.user == "shop")
        #expect(mails.contains { $0.subject == "Order \(second) is paid" })
        let messages = scene.gateways.taken("sms")
        #expect(messages.map(\.key) == ["\(first).sms"])
        #expect(messages.first?.text == "您的订单\(first)（2件）已预留，请在2030-06-18 20:15 (UTC+08:00)前付款，逾期将自动取消。")
        // The provider's name for it is kept; no address is anywhere but in the table of contacts.
        #expect(
            try scene.sql("SELECT reference FROM stampede.notifications WHERE channel = 'sms'")
                == "m-\(first).sms")
        notifier.signal(SIGTERM)
        let ended = try await notifier.result()
        #expect(ended.code == 0)
        for secret in ["mei@", "joe@", "13800138000", "geheim", "tok-1"] {
            #expect(!ended.err.contains(secret))
            #expect(
                try scene.sql(
                    "SELECT count(*) FROM stampede.notifications n WHERE n::text LIKE '%\(secret)%'") == "0")
        }
        #expect(try scene.redis.ask("XLEN", "stampede:events") == .integer(6))
    }

    @Test func `a contact that comes after its event, through a broker, is in time; erased, it is gone`()
        async throws
    {
        let scene = try await NotifyScene()
        let sockets = "\(scene.folder.path)/sockets"
        try FileManager.default.createDirectory(
            atPath: sockets, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let (clients, workers) = ("ipc://\(sockets)/c", "ipc://\(sockets)/w")
        let broker = try Program(["broker", "--name", "b", "--clients", clients, "--workers", workers])
        let notifier = try scene.notify("n1", ["--broker", workers])
        let order = try scene.publish(buyer: 5)
        try #require(try await eventually { try scene.states() == "due|1" }, "\(notifier.err)")
        func contact(_ words: String) async throws -> Program.Result {
            try await Program.run(
                ["contact"] + words.split(separator: " ").map(String.init) + ["--broker", clients])
        }
        let set = try await contact("set --sale 7 --buyer 5 --mail mei@example.com --language zh")
        #expect(set.code == 0 && set.out == "Set.\n", "\(set.err) \(broker.err) \(notifier.err)")
        #expect(await eventually { scene.gateways.taken("mail").count == 1 }, "\(notifier.err)")
        #expect(scene.gateways.taken("mail").first?.id == "<\(order).mail@shop.example>")
        let shown = try await contact("show --sale 7 --buyer 5 --json")
        #expect(
            shown.json["mail"] as? String == "mei@example.com" && shown.json["language"] as? String == "zh")
        let erased = try await contact("erase --sale 7 --buyer 5 --json")
        #expect(
            erased.json["known"] as? Bool == true && erased.json["under_way"] as? Int == 0, "\(erased.err)")
        let again = try await contact("erase --sale 7 --buyer 5")
        #expect(again.code == 0 && again.out == "There was none.\n")
        let gone = try await contact("show --sale 7 --buyer 5")
        #expect(gone.code == 1 && gone.err.contains("No contact"))
        #expect(try scene.sql("SELECT count(*) FROM stampede.contacts") == "0")
        // Another event of the same buyer reaches nobody, and one of another buyer shows that it was read.
        try scene.publish("stampede.payment.taken", buyer: 5)
        try scene.contact(6, mail: "joe@example.com")
        try scene.publish(buyer: 6)
        #expect(await eventually { scene.gateways.taken("mail").count == 2 })
        #expect(try scene.pending() == 0)
        #expect(scene.gateways.journal.count == 2)
        #expect(!notifier.err.contains("mei@example.com") && !broker.err.contains("mei@example.com"))
    }

    @Test func `an erased contact is told nothing, not even of what waited or had been given up`()
        async throws
    {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "refused@example.com")
        try scene.contact(2, mail: "mei@example.com")
        try scene.gateways.mode(mail: "ok")
        let notifier = try scene.notify()
        try scene.publish(buyer: 1)
        #expect(try await eventually { try scene.states() == "dead|1" }, "\(notifier.err)")
        scene.gateways.stop()
        try scene.publish(buyer: 2)
        #expect(try await eventually { try scene.states() == "dead|1 due|1" })
        // What contact.erase does; the story above takes the way through a broker.
        try scene.sql("DELETE FROM stampede.contacts")
        let listed = try await Program.run(
            ["notify", "dead-letters", "retry", "--all", "--ledger", scene.postgres.dsn()])
        #expect(listed.out == "1 dead letter due again.\n", "\(listed.err)")
        try scene.gateways.start()
        #expect(
            try await eventually { try scene.states() == "skipped|2" }, "\(scene.shown) \(notifier.err)")
        #expect(scene.gateways.taken("mail").isEmpty)
        #expect(scene.gateways.taken("refused").count == 1)
    }

    @Test func `a refused recipient is a dead letter, one put off is tried again`() async throws {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "refused@example.com")
        try scene.contact(2, mail: "later@example.com")
        try scene.contact(3, phone: "+8613800138000")
        try scene.gateways.mode(sms: "refuse")
        let notifier = try scene.notify()
        let refused = try scene.publish(buyer: 1)
        try scene.publish(buyer: 2)
        try scene.publish(buyer: 3)
        #expect(
            try await eventually { try scene.states() == "dead|2 sent|1" },
            "\(scene.shown) \(notifier.err)")
        func letters(_ words: String...) async throws -> Program.Result {
            try await Program.run(["notify", "dead-letters"] + words + ["--ledger", scene.postgres.dsn()])
        }
        let listed = try await letters("list")
        for words in [refused, "mail", "sms", "placed", "(550)", "(400)"] {
            #expect(listed.out.contains(words), "\(listed.out) \(listed.err)")
        }
        #expect(!listed.out.contains("refused@"))
        try scene.gateways.mode()
        try scene.sql("UPDATE stampede.contacts SET mail = 'mei@example.com' WHERE buyer = 1")
        let unknown = try await letters("retry", "9-9")
        #expect(unknown.code == 1 && unknown.err.contains("‘9-9’"))
        #expect(try await letters("retry", refused).out == "1 dead letter due again.\n")
        #expect(try await eventually { try scene.states() == "dead|1 sent|2" })
        #expect(try await letters("drop", "--all").out == "1 dead letter dropped.\n")
        let status = try await Program.run(["notify", "status", "--json", "--ledger", scene.postgres.dsn()])
        #expect(status.json["dead_letters"] as? Int == 0, "\(status.err)")
    }

    @Test func `while a server is down the breaker opens, and later all is sent`() async throws {
        let scene = try await NotifyScene()
        for buyer in 1...20 {
            try scene.contact(buyer, mail: "b\(buyer)@example.com", phone: "+861380013\(1000 + buyer)")
        }
        scene.gateways.stop()
        let notifier = try scene.notify()
        for buyer in 1...20 { try scene.publish(buyer: buyer) }
        #expect(
            try await eventually {
                let states = try scene.states()
                return notifier.err.contains("breaker of a channel changed") && states.hasPrefix("due|")
            }, "\(notifier.err)")
        // Open, it leaves the rows alone: most were never tried.
        #expect(
            try await eventually {
                (try scene.sql("SELECT count(*) FROM stampede.notifications WHERE tries > 0")) != "0"
            })
        try scene.gateways.start()
        #expect(
            try await eventually(within: .seconds(60)) { try scene.states() == "sent|40" },
            "\(scene.shown) \(notifier.err)")
        #expect(Set(scene.gateways.taken("mail").map(\.name)).count == 20)
        #expect(scene.gateways.taken("mail").count == 20 && scene.gateways.taken("sms").count == 20)
        #expect(try scene.sql("SELECT max(failures) FROM stampede.notifications") == "0")
    }

    @Test
    func
        `a provider that fails, limits, is slow or hangs up gets each message until it takes it, under one key`()
        async throws
    {
        let scene = try await NotifyScene()
        try scene.contact(1, phone: "+8613800138000", language: "en")
        let notifier = try scene.notify()
        for mode in ["error", "limit", "drop", "slow"] {
            try scene.gateways.mode(sms: mode)
            let order = try scene.publish(buyer: 1)
            func tries() throws -> Int {
                Int(try scene.sql("SELECT tries FROM stampede.notifications WHERE event = '\(order)'")) ?? 0
            }
            if mode != "slow" {
                #expect(try await eventually { try tries() > 1 }, "\(mode): \(notifier.err)")
            }
            try scene.gateways.mode()
            #expect(
                try await eventually(within: .seconds(60)) {
                    try scene.sql("SELECT state FROM stampede.notifications WHERE event = '\(order)'")
                        == "sent"
                }, "\(mode): \(notifier.err)")
            let keys = scene.gateways.taken("sms").map(\.name).filter { $0 == "\(order).sms" }
            // Hung up on after it was taken, it comes again with the same key, and once is enough otherwise.
            #expect(mode == "drop" ? keys.count > 1 : keys.count == 1, "\(mode): \(keys)")
        }
    }

    @Test
    func `killed anywhere, with two at a time, each message goes out once, or again under the same name`()
        async throws
    {
        let scene = try await NotifyScene()
        for buyer in 1...60 {
            try scene.contact(buyer, mail: "b\(buyer)@example.com", phone: "+861380013\(1000 + buyer)")
        }
        var generator = SystemRandomNumberGenerator()
        var kills = 0
        var published: Set<String> = []
        let other = try scene.notify("n2")
        for round in 0..<10 {
            let victim = try scene.notify("n1")
            for buyer in 1...6 { published.insert(try scene.publish(buyer: round * 6 + buyer)) }
            let count = scene.gateways.journal.count
            // At some moment after it has begun to work, which may be in the middle of anything.
            _ = await eventually(within: .seconds(5)) { scene.gateways.journal.count > count }
            try await Task.sleep(for: .microseconds(Int.random(in: 0...30_000, using: &generator)))
            victim.signal(SIGKILL)
            _ = try await victim.result()
            kills += 1
        }
        let last = try scene.notify("n1")
        #expect(
            try await eventually(within: .seconds(60)) {
                try scene.states() == "sent|120" && (try scene.pending()) == 0
            },
            "\(scene.shown) \(last.err) \(other.err)")
        var times: [String: Int] = [:]
        for entry in scene.gateways.journal { times["\(entry.kind) \(entry.name)", default: 0] += 1 }
        #expect(times.count == 2 * published.count)
        let twice = times.filter { $0.value > 1 }
        #expect(twice.allSatisfy { $0.value == 2 }, "\(twice)")
        // Only what was in hand at a kill can go out again: two threads per channel.
        #expect(twice.count <= kills * 4, "\(twice)")
        for event in published {
            #expect(times["mail <\(event).mail@shop.example>"] != nil && times["sms \(event).sms"] != nil)
        }
    }

    @Test
    func `killed while the mail server answers, a message comes again with the same Message-ID and bytes`()
        async throws
    {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "mei@example.com")
        try scene.gateways.mode(mail: "slow")
        let victim = try scene.notify()
        try scene.publish(buyer: 1)
        #expect(await eventually { scene.gateways.taken("mail").count == 1 }, "\(victim.err)")
        victim.signal(SIGKILL)
        _ = try await victim.result()
        #expect(try scene.states() == "sending|1")
        try scene.gateways.mode()
        let next = try scene.notify("n2")
        #expect(try await eventually { try scene.states() == "sent|1" }, "\(next.err)")
        let mails = scene.gateways.taken("mail")
        #expect(mails.count == 2 && Set(mails.map(\.raw)).count == 1)
    }

    @Test
    func `what cannot be read is a dead letter and keeps nothing back; what is too old is told to nobody`()
        async throws
    {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "mei@example.com")
        try scene.publish("not an event")
        try scene.redis.ask("XADD", "stampede:events", "*", "other", "x")
        try scene.publish(buyer: 1, time: .now - 90_000)
        let last = try scene.publish(buyer: 1)
        let notifier = try scene.notify()
        #expect(
            try await eventually { try scene.states() == "dead|2 sent|1" },
            "\(scene.shown) \(notifier.err)")
        #expect(scene.gateways.taken("mail").map(\.id) == ["<\(last).mail@shop.example>"])
        #expect(try scene.pending() == 0)
    }

    @Test func `Redis and Postgres may go and come back`() async throws {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "mei@example.com")
        let notifier = try scene.notify()
        try scene.publish(buyer: 1)
        #expect(try await eventually { try scene.states() == "sent|1" }, "\(notifier.err)")
        try scene.postgres.crash()
        try scene.redis.restart()
        #expect(await eventually { (try? scene.publish(buyer: 1)) != nil })
        #expect(await eventually { (try? scene.states()) == "sent|2" }, "\(notifier.err)")
    }

    @Test func `a wrong password gives nothing up`() async throws {
        let scene = try await NotifyScene()
        try scene.contact(1, mail: "mei@example.com")
        try scene.keep("wrong", in: "password")
        let notifier = try scene.notify()
        try scene.publish(buyer: 1)
        #expect(await eventually { notifier.err.contains("refuses our user or password") }, "\(notifier.err)")
        notifier.signal(SIGKILL)
        _ = try await notifier.result()
        try scene.keep(Gateways.password, in: "password")
        let next = try scene.notify()
        #expect(try await eventually { try scene.states() == "sent|1" }, "\(next.err)")
    }

    @Test func `a test message goes out at once, and a server without a known certificate is refused`()
        async throws
    {
        let scene = try await NotifyScene()
        func test(_ to: String, _ options: [String]) async throws -> Program.Result {
            try await Program.run(["notify", "test", "--to", to, "--language", "zh"] + options)
        }
        let mail = try await test("mei@example.com", scene.carriers)
        #expect(mail.code == 0 && mail.out.hasPrefix("Sent"), "\(mail.err)")
        let message = try await test("+8613800138000", scene.carriers)
        #expect(message.code == 0, "\(message.err)")
        #expect(scene.gateways.journal.count == 2)
        let stranger = try await test(
            "mei@example.com",
            scene.carriers.filter { $0 != "--smtp-ca" && $0 != scene.gateways.certificate })
        #expect(stranger.code == 1 && stranger.err.contains("cannot be reached"), "\(stranger.err)")
        #expect(scene.gateways.journal.count == 2)
    }

    @Test func `templates of an operator are used, and a mistake in them stops the start`() async throws {
        let scene = try await NotifyScene()
        let folder = "\(scene.folder.path)/templates"
        let written = try await Program.run(["notify", "templates", "--out", folder])
        #expect(written.code == 0 && written.out.split(separator: "\n").count == 24, "\(written.err)")
        try "Pay {{order}} 快！".write(toFile: "\(folder)/placed.zh.sms.txt", atomically: true, encoding: .utf8)
        try scene.contact(1, phone: "+8613800138000")
        let notifier = try scene.notify("n1", ["--templates", folder])
        let order = try scene.publish(buyer: 1)
        #expect(await eventually { scene.gateways.taken("sms").count == 1 }, "\(notifier.err)")
        #expect(scene.gateways.taken("sms").first?.text == "Pay \(order) 快！")
        try "{{nmae}}".write(toFile: "\(folder)/placed.zh.sms.txt", atomically: true, encoding: .utf8)
        let refused = try await scene.notify("n2", ["--templates", folder]).result()
        #expect(
            refused.code == 64 && refused.err.contains("placed.zh.sms.txt")
                && refused.err.contains("{{nmae}}"))
    }
}
