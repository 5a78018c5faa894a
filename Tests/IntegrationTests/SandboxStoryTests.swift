import Client
import Foundation
import HTTP
import Methods
import Sales
import Testing
import Wire

/// Paying at the sandbox, all of it in processes that `up --payments` runs.
@Suite struct SandboxStoryTests {
    /// A cluster that pays, and how its sandbox can be asked.
    struct Scene: Sendable {
        let folder: Folder
        let cluster: Cluster
        let http = HTTPClient(connections: 2)

        /// Belongs to the test, which waits for its end.
        struct Cluster: @unchecked Sendable { let program: Program }

        init() async throws {
            folder = try Folder()
            let (program, pids) = try await ClusterStoryTests.up(
                folder, ["--payments", "--log-level", "debug"],
                environment: [
                    "STAMPEDE_PROVIDER_TIMEOUT": "1000", "STAMPEDE_PATIENCE": "3000",
                    "STAMPEDE_SWEEP": "200",
                ])
            cluster = Cluster(program: program)
            #expect(pids.keys.contains("sandbox") && pids.keys.contains("payments-1"))
            let isServed = try await eventually {
                try await stampede("call --list").out.contains("order.pay")
            }
            try #require(isServed, "\(log("payments-1"))")
        }

        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }

        func log(_ name: String) -> String {
            (try? String(contentsOfFile: "\(folder.data)/logs/\(name).log", encoding: .utf8)) ?? ""
        }

        private var file: [String: Any] {
            let data = FileManager.default.contents(atPath: "\(folder.data)/cluster.json") ?? Data()
            return ((try? JSONSerialization.jsonObject(with: data)) as? [String: Any]) ?? [:]
        }

        func payments(_ field: String) throws -> String {
            try #require((file["payments"] as? [String: String])?[field])
        }

        func pid(_ name: String) -> Int32? {
            ((file["pids"] as? [String: Int])?[name]).map(Int32.init)
        }

        /// Kills a process if it runs, and waits until its successor does.
        func kill(_ name: String) async throws {
            guard let old = pid(name) else { return }
            Foundation.kill(old, SIGKILL)
            #expect(await eventually { pid(name).map { $0 != old } ?? false }, "\(name) did not come back")
        }

        func create(_ sale: Int, units: Int) async throws {
            let created = try await stampede(
                "sale create x --units \(units) --price 19.99 --sale \(sale) --hold 5m --payment-time 2m")
            try #require(created.code == 0, "\(created.err)")
        }

        func place(_ sale: Int, _ buyer: Int) async throws -> String {
            let placed = try await stampede("order place --sale \(sale) --buyer \(buyer) --json")
            return try #require(placed.json["order"] as? String, "\(placed.err)")
        }

        func state(_ order: String) async throws -> String? {
            try await stampede("order show \(order) --json").json["state"] as? String
        }

        /// Pays as a shop would: again with the same attempt for as long as nothing is certain.
        func pay(_ order: String, _ buyer: Int, _ token: String) async throws -> Program.Result {
            let attempt = UUID().uuidString
            let end = ContinuousClock.now + .seconds(60)
            while true {
                let paid = try await stampede(
                    "order pay \(order) --buyer \(buyer) --token \(token) --attempt \(attempt) --json --timeout 10"
                )
                let isOpen = ["providerUnavailable", "paymentPending"].contains { paid.err.contains($0) }
                guard paid.code == 2 || isOpen, .now < end else { return paid }
                try await Task.sleep(for: .milliseconds(50))
            }
        }

        struct Charge: Decodable {
            let order: String
            let amount: String
            let status: String
            let refunded: Bool
            let token: String
        }

        /// All charges, by the orders that they are for.
        func charges() async throws -> [String: [Charge]] {
            let key = try String(contentsOfFile: payments("providerKeyFile"), encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let answer = try await http.send(
                HTTPRequest(
                    .get, "\(payments("provider"))/v1/charges?limit=1000",
                    headers: [("authorization", "Bearer \(key)")]))
            struct Page: Decodable { let charges: [Charge] }
            let page = try JSONDecoder().decode(Page.self, from: Data(answer.body))
            return Dictionary(grouping: page.charges, by: \.order)
        }

        func reconciles() async throws -> Program.Result { try await stampede("payments reconcile --json") }

        func stop() async throws {
            let audit = try await stampede("audit --json")
            #expect(audit.code == 0 && audit.json["ok"] as? Bool == true, "\(audit.out)")
            http.close()
            cluster.program.signal(SIGINT)
            #expect(try await cluster.program.result().code == 0)
            #expect(folder.processes == [])
        }
    }

    /// What a token leads to: nil is paid, otherwise the refusal.
    static let endings: [(token: String, refusal: String?)] = [
        ("tok_ok", nil), ("tok_twice", nil), ("tok_forged", nil), ("tok_late", nil), ("tok_pending", nil),
        // Charged, but the answer never came: asked for, and found.
        ("tok_hang", nil),
        ("tok_declined", "paymentDeclined"),
        // Not charged, and never will be: what was on its way was cancelled first.
        ("tok_error", "paymentDeclined"), ("tok_slow", "paymentDeclined"),
        ("tok_unknown", "paymentDeclined"),
    ]

    @Test func `whatever the provider does, an order is paid once or free, and all is told`() async throws {
        let scene = try await Scene()
        try await scene.create(3, units: 20)
        var orders: [(order: String, refusal: String?)] = []
        for (index, (token, refusal)) in Self.endings.enumerated() {
            let order = try await scene.place(3, 10 + index)
            let paid = try await scene.pay(order, 10 + index, token)
            if let refusal {
                #expect(paid.code == 1 && paid.err.contains(refusal), "\(token): \(paid.err)")
            } else {
                #expect(paid.code == 0 && paid.json["state"] as? String == "paid", "\(token): \(paid.err)")
            }
            orders.append((order, refusal))
        }
        for (order, refusal) in orders {
            #expect(try await scene.state(order) == (refusal == nil ? "paid" : "reserved"))
            let taken = try await scene.charges()[order, default: []].filter { $0.status == "taken" }
            #expect(taken.map(\.amount) == (refusal == nil ? ["1999"] : []), "\(order)")
        }
        // The forged webhook was refused, the second of two was, and the sandbox had no other trouble.
        #expect(!scene.log("sandbox").contains("forged"), "\(scene.log("sandbox"))")
        let reconciled = try await scene.reconciles()
        #expect(reconciled.code == 0 && reconciled.json["differing"] as? Int == 0, "\(reconciled.out)")
        let shown = try await scene.stampede("payments reconcile")
        #expect(shown.code == 0, "\(shown.err)")
        try await scene.stop()
    }

    /// A tab of a browser that pays until its order is paid, by whomever. Returns what stood in its way at last.
    private static func tab(_ client: StampedeClient, _ order: OrderID, _ buyer: BuyerID) async -> CallError?
    {
        var attempt = RequestKey.random()
        let end = ContinuousClock.now + .seconds(90)
        var last: CallError?
        while .now < end {
            do throws(CallError) {
                _ = try await client.payOrder(order, buyer: buyer, token: "tok_ok", attempt: attempt)
                return nil
            } catch {
                last = error
                switch error.reason {
                case .alreadyPaid: return nil
                // Cancelled, because nobody knew whether it had arrived.
                case .paymentDeclined: attempt = .random()
                case .beingPaid: break
                default: guard error.certainty != .executed else { return error }
                }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return last
    }

    @Test func `two tabs, two payments processes, and kills of everything that pays: one charge each`()
        async throws
    {
        let scene = try await Scene()
        let count = 24
        try await scene.create(4, units: count)
        let second = try Program(
            [
                "payments", "--name", "payments-2", "--data", scene.folder.data, "--webhook-port", "0",
                "--provider", scene.payments("provider"),
                "--provider-key-file", scene.payments("providerKeyFile"),
                "--webhook-secret-file", scene.payments("webhookSecretFile"), "--provider-timeout", "1000",
                "--patience", "3000", "--sweep", "200",
            ], in: scene.folder)
        #expect(await eventually { second.err.contains("Listening for webhooks") }, "\(second.err)")
        let client = try BreakerStoryTests.client(scene.folder)
        var orders: [Order] = []
        for buyer in 1...count {
            orders.append(
                try await client.placeOrder(
                    sale: SaleID(rawValue: 4), buyer: BuyerID(rawValue: Int64(buyer))))
        }
        let troubles = await withTaskGroup(of: CallError?.self) { group in
            for order in orders {
                for _ in 0..<2 { group.addTask { await Self.tab(client, order.id, order.buyer) } }
            }
            group.addTask {
                // In the middle of it, and in every order of the two.
                for name in ["sandbox", "payments-1", "payments-1", "sandbox"] {
                    try? await scene.kill(name)
                    try? await Task.sleep(for: .milliseconds(200))
                }
                return nil
            }
            return await group.reduce(into: []) { if let trouble = $1 { $0.append(trouble) } }
        }
        #expect(troubles.isEmpty, "\(troubles)")
        await client.close()
        // What was begun when something died is seen to by whoever is left.
        var reconciled = try await scene.reconciles()
        _ = try await eventually(within: .seconds(60)) {
            reconciled = try await scene.reconciles()
            return reconciled.code == 0
        }
        #expect(reconciled.code == 0, "\(reconciled.out)")
        let charges = try await scene.charges()
        for order in orders {
            let kept = charges["\(order.id)", default: []].filter { $0.status == "taken" && !$0.refunded }
            #expect(kept.count == 1, "\(order.id): \(kept)")
            #expect(try await scene.state("\(order.id)") == "paid")
        }
        second.signal(SIGTERM)
        #expect(try await second.result().code == 0)
        try await scene.stop()
    }
}
