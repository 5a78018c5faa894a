import Ledger
import Methods
import Notifications
import Sales
import Wire

/// The tables of contacts and notifications. Blocks; belongs to one thread at a time.
///
/// Every method is one statement, so that a process that dies leaves either all of it or nothing. A connection that is
/// lost is made anew by the next call.
final class Store {
    private let dsn: String
    private let name: String
    private var connection: BlockingConnection?

    /// Rows that one statement removes at most, so that no lock is held for long.
    private static let pruned = 10_000

    init(dsn: String, name: String) {
        self.dsn = dsn
        self.name = name
    }

    @discardableResult
    private func run(_ sql: String, _ parameters: [String?]) throws(LedgerError) -> Rows {
        let connection = try connected()
        do throws(LedgerError) {
            return try connection.run(sql, parameters)
        } catch {
            if error.code == .lost { self.connection = nil }
            throw error
        }
    }

    /// Connects unless it stands.
    ///
    /// - Throws: `LedgerError.Code.schema` where the tables are missing.
    @discardableResult
    func connected() throws(LedgerError) -> BlockingConnection {
        if let connection { return connection }
        let connection = try BlockingConnection(dsn: dsn, name: name)
        try connection.run("SET statement_timeout = '10s'; SET synchronous_commit = on")
        guard try connection.run("SELECT to_regclass('stampede.notifications') IS NOT NULL").text(0, 0) == "t"
        else {
            throw LedgerError(
                .schema,
                "the ledger at \(connection.address) has no tables for notifications; run `stampede migrate`")
        }
        self.connection = connection
        return connection
    }

    // MARK: Events

    /// Makes the rows of new events: one per channel of the buyer's, or one that waits for the contact. Those that are
    /// there stay as they are.
    ///
    /// - Returns: how many rows are new.
    func take(
        _ events: [OrderEvent], channels: Set<Channel>, grace: TimeAmount
    ) throws(LedgerError) -> Int {
        let rows = try run(
            """
            WITH made AS (
                INSERT INTO stampede.notifications
                    (event, channel, sale, buyer, occasion, about, units, happened, until, why, since, next_at)
                SELECT e.event, c.channel, e.sale, e.buyer, e.occasion, e.about, e.units,
                       to_timestamp(e.happened / 1e6), to_timestamp(e.until / 1e6), e.why,
                       to_timestamp(e.happened / 1e6), now() + c.wait
                FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
                            $7::bigint[], $8::bigint[], $9::text[])
                     AS e(event, sale, buyer, occasion, about, units, happened, until, why)
                LEFT JOIN stampede.contacts k ON k.sale = e.sale AND k.buyer = e.buyer
                CROSS JOIN LATERAL (VALUES
                    ('mail', k.mail IS NOT NULL AND 'mail' = ANY ($10::text[]), interval '0'),
                    ('sms', k.phone IS NOT NULL AND 'sms' = ANY ($10::text[]), interval '0'),
                    ('contact', k.sale IS NULL, $11::bigint * interval '1 microsecond'))
                    AS c(channel, wanted, wait)
                WHERE c.wanted ON CONFLICT DO NOTHING RETURNING 1)
            SELECT count(*) FROM made
            """,
            [
                .array(events.map(\.id)), .array(events.map { "\($0.sale)" }),
                .array(events.map { "\($0.buyer)" }), .array(events.map(\.occasion.rawValue)),
                .array(events.map(\.order)), .array(events.map { "\($0.units)" }),
                .array(events.map { "\($0.time.microseconds)" }),
                .array(events.map { $0.until.map { "\($0.microseconds)" } }), .array(events.map(\.reason)),
                .array(channels.map(\.rawValue)), "\(grace.microseconds)",
            ])
        return Int(rows.text(0, 0)) ?? 0
    }

    /// Keeps a note of an item of the stream that cannot be read, as a dead letter.
    func bury(item: String, reason: String) throws(LedgerError) {
        try run(
            """
            INSERT INTO stampede.notifications (event, channel, state, sale, buyer, occasion, about, units, happened,
                since, next_at, reason)
            VALUES ($1, 'event', 'dead', 0, 0, '', '', 0, now(), now(), now(), $2) ON CONFLICT DO NOTHING
            """, ["item:\(item)", reason])
    }

    // MARK: Contacts

    private static let wake = """
        INSERT INTO stampede.notifications
            (event, channel, sale, buyer, occasion, about, units, happened, until, why, since, next_at)
        SELECT w.event, c.channel, w.sale, w.buyer, w.occasion, w.about, w.units, w.happened, w.until, w.why, w.since,
               now()
        FROM waiting w CROSS JOIN LATERAL (VALUES
            ('mail', w.mail IS NOT NULL AND 'mail' = ANY ($1::text[])),
            ('sms', w.phone IS NOT NULL AND 'sms' = ANY ($1::text[]))) AS c(channel, wanted)
        WHERE c.wanted ON CONFLICT DO NOTHING
        """

    /// Stores contacts, of different buyers, and makes due what waited for them.
    func set(_ contacts: [Contact], channels: Set<Channel>) throws(LedgerError) {
        try run(
            """
            WITH stored AS (
                INSERT INTO stampede.contacts (sale, buyer, mail, phone, language)
                SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
                    AS given(sale, buyer, mail, phone, language) ORDER BY 1, 2
                ON CONFLICT (sale, buyer) DO UPDATE SET mail = EXCLUDED.mail, phone = EXCLUDED.phone,
                    language = EXCLUDED.language, set_at = now()
                RETURNING sale, buyer, mail, phone),
            waiting AS (
                DELETE FROM stampede.notifications n USING stored s
                WHERE n.channel = 'contact' AND n.state = 'due' AND n.sale = s.sale AND n.buyer = s.buyer
                RETURNING n.*, s.mail, s.phone)
            \(Store.wake)
            """,
            [
                .array(channels.map(\.rawValue)), .array(contacts.map { "\($0.sale)" }),
                .array(contacts.map { "\($0.buyer)" }), .array(contacts.map { $0.mail?.rawValue }),
                .array(contacts.map { $0.phone?.rawValue }), .array(contacts.map(\.language.rawValue)),
            ])
    }

    func contact(_ sale: SaleID, _ buyer: BuyerID) throws(LedgerError) -> Contact? {
        let rows = try run(
            "SELECT mail, phone, language FROM stampede.contacts WHERE sale = $1 AND buyer = $2",
            ["\(sale)", "\(buyer)"])
        guard rows.count > 0 else { return nil }
        return rows.contact(0, from: 0, sale, buyer)
    }

    /// Forgets a contact, and ends what was to be sent to it.
    ///
    /// - Returns: whether there was one, and how many messages are being handed over.
    func erase(_ sale: SaleID, _ buyer: BuyerID) throws(LedgerError) -> (wasKnown: Bool, underWay: Int) {
        let rows = try run(
            """
            WITH gone AS (DELETE FROM stampede.contacts WHERE sale = $1 AND buyer = $2 RETURNING 1),
            ended AS (
                UPDATE stampede.notifications
                SET state = 'skipped', reason = 'the contact was erased', changed = now()
                WHERE sale = $1 AND buyer = $2 AND state IN ('due', 'dead'))
            SELECT (SELECT count(*) FROM gone), (
                SELECT count(*) FROM stampede.notifications
                WHERE sale = $1 AND buyer = $2 AND state = 'sending' AND next_at > now())
            """, ["\(sale)", "\(buyer)"])
        return (rows.text(0, 0) != "0", Int(rows.text(0, 1)) ?? 0)
    }

    /// Looks once more after those that have waited long enough for a contact: one that came unseen wakes them, the
    /// others are gone.
    ///
    /// - Returns: how many are gone.
    func endWaiting(channels: Set<Channel>) throws(LedgerError) -> Int {
        let rows = try run(
            """
            WITH ended AS (
                SELECT event FROM stampede.notifications
                WHERE channel = 'contact' AND state = 'due' AND next_at <= now()
                ORDER BY next_at LIMIT \(Store.pruned) FOR UPDATE SKIP LOCKED),
            over AS (
                DELETE FROM stampede.notifications n USING ended
                WHERE n.event = ended.event AND n.channel = 'contact' RETURNING n.*),
            waiting AS (
                SELECT o.*, k.mail, k.phone FROM over o LEFT JOIN stampede.contacts k
                    ON k.sale = o.sale AND k.buyer = o.buyer),
            woken AS (\(Store.wake))
            SELECT count(*) FROM waiting WHERE mail IS NULL AND phone IS NULL
            """, [.array(channels.map(\.rawValue))])
        return Int(rows.text(0, 0)) ?? 0
    }

    // MARK: Sending

    /// A message that this process may hand over until its claim ends.
    struct Claim {
        var event: OrderEvent
        /// Nil when there is none any more.
        var contact: Contact?
        /// Which try this is, over all processes; the name of the claim.
        var number: Int
        /// Attempts used up.
        var failures: Int
        var age: TimeAmount
    }

    /// Claims what has been due longest, or was claimed by somebody who has not been heard of since; nil if nothing is.
    func claim(_ channel: Channel, for lease: TimeAmount) throws(LedgerError) -> Claim? {
        let rows = try run(
            """
            WITH next AS (
                SELECT event, channel, sale, buyer FROM stampede.notifications
                WHERE channel = $1 AND state IN ('due', 'sending') AND next_at <= now()
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            UPDATE stampede.notifications n
            SET state = 'sending', tries = n.tries + 1, next_at = now() + $2::bigint * interval '1 microsecond',
                changed = now()
            FROM next LEFT JOIN stampede.contacts k ON k.sale = next.sale AND k.buyer = next.buyer
            WHERE n.event = next.event AND n.channel = next.channel
            RETURNING n.event, n.sale, n.buyer, n.occasion, n.about, n.units,
                (extract(epoch FROM n.happened) * 1000000)::bigint, (extract(epoch FROM n.until) * 1000000)::bigint,
                n.why, n.tries, n.failures, (extract(epoch FROM now() - n.since) * 1000000)::bigint,
                k.mail, k.phone, k.language
            """, [channel.rawValue, "\(lease.microseconds)"])
        guard rows.count > 0 else { return nil }
        guard let occasion = Occasion(rawValue: rows.text(0, 3)) else {
            preconditionFailure("an unknown occasion was stored")
        }
        let (sale, buyer) = (SaleID(rawValue: rows.number(0, 1)), BuyerID(rawValue: rows.number(0, 2)))
        let event = OrderEvent(
            id: rows.text(0, 0), occasion: occasion, time: CivilTime(microseconds: rows.number(0, 6)),
            sale: sale,
            buyer: buyer, order: rows.text(0, 4), units: rows.number(0, 5),
            until: rows.isNull(0, 7) ? nil : CivilTime(microseconds: rows.number(0, 7)),
            reason: rows.isNull(0, 8) ? nil : rows.text(0, 8))
        return Claim(
            event: event, contact: rows.isNull(0, 14) ? nil : rows.contact(0, from: 12, sale, buyer),
            number: Int(rows.number(0, 9)), failures: Int(rows.number(0, 10)),
            age: .microseconds(rows.number(0, 11)))
    }

    enum Ending {
        case sent(reference: String?)
        case dueAgain(after: TimeAmount, reason: String, counts: Bool)
        case dead(reason: String)
        case skipped(reason: String)
    }

    /// Stores how a claim ended.
    ///
    /// - Returns: false when somebody else has claimed the message since.
    func end(_ claim: Claim, _ channel: Channel, _ ending: Ending) throws(LedgerError) -> Bool {
        let (state, wait, failures, reason, reference): (String, TimeAmount, Int, String?, String?) =
            switch ending {
            case .sent(let reference): ("sent", .zero, 0, nil, reference)
            case .dueAgain(let after, let reason, let counts): ("due", after, counts ? 1 : 0, reason, nil)
            case .dead(let reason): ("dead", .zero, 0, reason, nil)
            case .skipped(let reason): ("skipped", .zero, 0, reason, nil)
            }
        let rows = try run(
            """
            UPDATE stampede.notifications
            SET state = $4, next_at = now() + $5::bigint * interval '1 microsecond', failures = failures + $6::integer,
                reason = $7, reference = $8, changed = now()
            WHERE event = $1 AND channel = $2 AND tries = $3::integer AND state = 'sending' RETURNING 1
            """,
            [
                claim.event.id, channel.rawValue, "\(claim.number)", state, "\(wait.microseconds)",
                "\(failures)",
                reason, reference,
            ])
        return rows.count > 0
    }

    // MARK: Bounds

    /// Removes what is over, and contacts that nobody has set for so long.
    ///
    /// - Returns: whether there may be more.
    func prune(
        over: TimeAmount, dead: TimeAmount, contacts: TimeAmount
    ) throws(LedgerError) -> (more: Bool, dead: Int) {
        func delete(_ table: String, _ condition: String, _ age: TimeAmount) throws(LedgerError) -> Int {
            let rows = try run(
                """
                WITH gone AS (
                    DELETE FROM stampede.\(table) WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM stampede.\(table)
                        WHERE \(condition) < now() - $1::bigint * interval '1 microsecond' LIMIT \(Store.pruned)))
                    RETURNING 1)
                SELECT count(*) FROM gone
                """, ["\(age.microseconds)"])
            return Int(rows.text(0, 0)) ?? 0
        }
        let counts = [
            try delete("notifications", "state IN ('sent', 'skipped') AND changed", over),
            try delete("notifications", "state = 'dead' AND changed", dead),
            try delete("contacts", "set_at", contacts),
        ]
        return (counts.contains(Store.pruned), counts[1])
    }

    /// Numbers of what is stored.
    struct Counts: Sendable {
        /// By channel: due now or later, and the age of the oldest that could be sent now.
        var due: [Channel: (count: Int, oldest: TimeAmount)] = [:]
        var waiting = 0
        var dead = 0
    }

    func counts() throws(LedgerError) -> Counts {
        let rows = try run(
            """
            SELECT CASE state WHEN 'dead' THEN 'dead' ELSE channel END, count(*),
                   coalesce((extract(epoch FROM max(now() - next_at)) * 1000000)::bigint, 0)
            FROM stampede.notifications WHERE state IN ('due', 'sending') OR state = 'dead' GROUP BY 1
            """, [])
        var counts = Counts()
        for row in 0..<rows.count {
            let count = Int(rows.number(row, 1))
            switch rows.text(row, 0) {
            case "dead": counts.dead = count
            case "contact": counts.waiting = count
            case let name:
                if let channel = Channel(rawValue: name) {
                    counts.due[channel] = (count, max(.zero, .microseconds(rows.number(row, 2))))
                }
            }
        }
        return counts
    }

    // MARK: Dead letters

    func deadLetters(atMost limit: Int) throws(LedgerError) -> [DeadLetter] {
        let rows = try run(
            """
            SELECT event, channel, sale, buyer, occasion, about, tries, reason,
                   (extract(epoch FROM changed) * 1000000)::bigint
            FROM stampede.notifications WHERE state = 'dead' ORDER BY changed LIMIT $1::integer
            """, ["\(limit)"])
        return (0..<rows.count).map { row in
            DeadLetter(
                event: rows.text(row, 0), channel: rows.text(row, 1), sale: rows.number(row, 2),
                buyer: rows.number(row, 3), occasion: rows.text(row, 4), order: rows.text(row, 5),
                tries: Int(rows.number(row, 6)), reason: rows.text(row, 7),
                since: CivilTime(microseconds: rows.number(row, 8)))
        }
    }

    /// Makes dead letters due again, or ends them for good.
    ///
    /// - Parameter event: nil for those of all events.
    /// - Returns: how many there were. Those about an item that cannot be read are only dropped.
    func change(_ change: DeadLetters.Change, event: String?) throws(LedgerError) -> Int {
        let sql =
            switch change {
            case .retry:
                """
                UPDATE stampede.notifications SET state = 'due', failures = 0, since = now(), next_at = now(),
                    changed = now()
                WHERE state = 'dead' AND channel <> 'event' AND ($1::text IS NULL OR event = $1) RETURNING 1
                """
            case .drop:
                """
                UPDATE stampede.notifications SET state = 'skipped', changed = now()
                WHERE state = 'dead' AND ($1::text IS NULL OR event = $1) RETURNING 1
                """
            }
        return try run(sql, [event]).count
    }
}

extension Rows {
    fileprivate func number(_ row: Int, _ column: Int32) -> Int64 { Int64(text(row, column)) ?? 0 }

    /// Three columns: mail, phone, language. What the table holds was checked when it was set.
    fileprivate func contact(_ row: Int, from column: Int32, _ sale: SaleID, _ buyer: BuyerID) -> Contact {
        Contact(
            sale: sale, buyer: buyer, mail: isNull(row, column) ? nil : MailAddress(text(row, column)),
            phone: isNull(row, column + 1) ? nil : PhoneNumber(text(row, column + 1)),
            language: Language(rawValue: text(row, column + 2)) ?? .english)
    }
}

extension String? {
    /// An array as Postgres reads it, with every element in quotes.
    /// https://www.postgresql.org/docs/15/arrays.html#ARRAYS-INPUT
    fileprivate static func array(_ elements: [String?]) -> String? {
        let texts = elements.map { element in
            guard let element else { return "NULL" }
            var quoted = "\""
            for character in element.unicodeScalars {
                if character == "\"" || character == "\\" { quoted.unicodeScalars.append("\\") }
                // A text of Postgres holds no zero.
                quoted.unicodeScalars.append(character == "\0" ? " " : character)
            }
            return quoted + "\""
        }
        return "{" + texts.joined(separator: ",") + "}"
    }

    fileprivate static func array(_ elements: [String]) -> String? { array(elements.map { $0 as String? }) }
}
