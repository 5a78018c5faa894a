import Foundation
import PostgresTestSupport
import Redis
import RedisTestSupport
import Testing

/// Real servers around `stampede notify`: Postgres, Redis, a mail server and a provider of short messages.
final class NotifyScene {
    let folder: Folder
    let postgres: PostgresServer
    let redis: RedisServer
    let gateways: Gateways
    private var entry = 0

    init() async throws {
        folder = try Folder()
        postgres = try PostgresServer()
        redis = try RedisServer()
        gateways = try Gateways(in: folder)
        let migrated = try await Program.run(["migrate", "--ledger", postgres.dsn()])
        try #require(migrated.code == 0, "\(migrated.err)")
        try keep(Gateways.password, in: "password")
        try keep("tok-1\n", in: "token")
    }

    /// Writes a secret down, for its owner alone.
    func keep(_ secret: String, in file: String) throws {
        let path = "\(folder.path)/\(file)"
        try secret.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// The ways out, as options.
    var carriers: [String] {
        [
            "--smtp", gateways.smtp, "--smtp-user", "shop", "--smtp-password-file", "\(folder.path)/password",
            "--smtp-ca", gateways.certificate, "--mail-from", "orders@shop.example", "--mail-from-name", "商店",
            "--sms-url", gateways.sms, "--sms-token-file", "\(folder.path)/token",
        ]
    }

    func notify(_ name: String = "n1", _ options: [String] = []) throws -> Program {
        try Program(
            [
                "notify", "--name", name, "--events", "\(redis.address)", "--ledger", postgres.dsn(),
                "--claim", "3",
                "--send-timeout", "2", "--log-level", "debug", "--utc-offset", "+08:00",
            ] + carriers + options)
    }

    // MARK: Events and contacts

    static func iso(_ date: Date) -> String { date.formatted(.iso8601) }

    /// Publishes an event of a new order and returns its id.
    @discardableResult
    func publish(_ type: String = "stampede.order.placed", buyer: Int, time: Date = .now) throws -> String {
        entry += 1
        let id = "3-\(entry)"
        try publish(id: id, type, buyer: buyer, time: time)
        return id
    }

    func publish(id: String, _ type: String = "stampede.order.placed", buyer: Int, time: Date = .now) throws {
        let event = #"""
            {"specversion": "1.0", "id": "\#(id)", "source": "/stampede/test", "type": "\#(type)", "subject": "\#(id)",
             "time": "\#(NotifyScene.iso(time))", "datacontenttype": "application/json", "partition": 3, "sequence": 1,
             "orderversion": 1, "data": {"sale": 7, "lane": 0, "buyer": \#(buyer), "order": "\#(id)", "version": 1,
             "state": "reserved", "units": 2, "until": "2030-06-18T12:15:00Z"}}
            """#
        try publish(event)
    }

    func publish(_ event: String) throws {
        try redis.ask("XADD", "stampede:events", "*", "event", .text(event))
    }

    func contact(_ buyer: Int, mail: String? = nil, phone: String? = nil, language: String = "zh") throws {
        let (mail, phone) = (mail.map { "'\($0)'" } ?? "NULL", phone.map { "'\($0)'" } ?? "NULL")
        try sql("INSERT INTO stampede.contacts VALUES (7, \(buyer), \(mail), \(phone), '\(language)')")
    }

    @discardableResult
    func sql(_ text: String) throws -> String { try postgres.execute(text) }

    /// `state|count` of all rows, in the order of states.
    func states() throws -> String {
        try sql("SELECT state, count(*) FROM stampede.notifications GROUP BY 1 ORDER BY 1")
            .replacingOccurrences(of: "\n", with: " ")
    }

    /// The same for words of a failure.
    var shown: String { (try? states()) ?? "no answer" }

    /// Nothing is left in the hands of any consumer.
    func pending() throws -> Int64 {
        guard case .array(let parts) = try redis.ask("XPENDING", "stampede:events", "notify"),
            case .integer(let count)? = parts.first
        else { return -1 }
        return count
    }
}
