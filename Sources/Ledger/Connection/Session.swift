import Sales
import Wire

/// What a session must be set to, and what it must find, before it may write.
struct Session {
    let configuration: LedgerConfiguration
    let address: String
    /// True if the connection string names several hosts.
    let hasFailover: Bool

    /// Sets the session up and asks for the server's facts, in one round trip.
    ///
    /// The planner's choices are fixed, because they must not depend on statistics: a plan that was made while
    /// the ledger was empty still serves when it has a hundred million rows. `commit` relies on READ COMMITTED.
    /// synchronous_commit is pinned to what was checked, so that a reload cannot weaken this session.
    var opening: String {
        """
        SET lock_timeout = \(configuration.lockTimeout.milliseconds);
        SET statement_timeout = \(configuration.statementTimeout.milliseconds);
        SET default_transaction_isolation = 'read committed';
        SET client_min_messages = warning;
        SET search_path = pg_catalog;
        SET plan_cache_mode = force_generic_plan;
        SET jit = off;
        SET enable_seqscan = off; SET enable_bitmapscan = off;
        SET enable_hashjoin = off; SET enable_mergejoin = off;
        SELECT current_setting('server_version_num'), pg_is_in_recovery(), current_setting('fsync'),
            current_setting('full_page_writes'),
            set_config('synchronous_commit', current_setting('synchronous_commit'), false),
            current_setting('synchronous_standby_names'),
            (SELECT system_identifier FROM pg_control_system()),
            CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_insert_lsn()) END,
            to_regclass('stampede.migrations') IS NOT NULL,
            current_setting('default_transaction_read_only')
        """
    }

    static let history = "SELECT number, checksum FROM stampede.migrations ORDER BY number"
    static let settings = """
        SELECT s.partitions, s.hash, EXISTS (SELECT FROM stampede.partitions WHERE fence > 0),
            (SELECT count(*) FROM stampede.partitions), EXISTS (SELECT FROM stampede.locks)
        FROM stampede.settings s
        """

    /// Reads the answer to `opening`, and refuses a server that would break a promise.
    func incarnation(_ rows: Rows) throws(LedgerError) -> Incarnation {
        let version = Int(rows.text(0, 0)) ?? 0
        guard version >= 140_000 else {
            throw unsafe("server_version_num = \(version)", "upgrade to PostgreSQL 14 or newer")
        }
        guard rows.text(0, 1) == "f" else {
            throw LedgerError(.refused, "the ledger at \(address) is a standby in recovery; name its primary")
        }
        // What `target_session_attrs=read-write` asks for, which is what commands go by (`BlockingConnection`). Whoever
        // fences off an old primary sets this: overruling it would sell on in a ledger that has a successor.
        guard rows.text(0, 9) == "off" else {
            throw LedgerError(
                .refused,
                "the ledger at \(address) has default_transaction_read_only = \(rows.text(0, 9)); name the server"
                    + " that took its place, or set it to off")
        }
        guard rows.text(0, 2) == "on" else {
            throw unsafe("fsync = \(rows.text(0, 2))", "a crash would lose confirmed orders: set it to on")
        }
        guard rows.text(0, 3) == "on" else {
            throw unsafe(
                "full_page_writes = \(rows.text(0, 3))", "a crash could tear pages: set it to on")
        }
        // remote_write would do for a crash of a server process, but not of both machines; local and off
        // do not wait for the standby or the disk.
        let commit = rows.text(0, 4)
        guard commit == "on" || commit == "remote_apply" else {
            throw unsafe(
                "synchronous_commit = \(commit)",
                "a confirmed order could be lost: set it to on or remote_apply")
        }
        guard !hasFailover || !rows.text(0, 5).isEmpty else {
            throw unsafe(
                "synchronous_standby_names = ''",
                "with several hosts a fail-over would lose orders: name a synchronous standby, or one host only"
            )
        }
        guard rows.text(0, 8) == "t" else {
            throw LedgerError(
                .schema, "the ledger at \(address) has no schema; run `stampede migrate` on it first")
        }
        // The first eight digits of a WAL file's name are the timeline.
        guard let identifier = UInt64(rows.text(0, 6)),
            let timeline = UInt32(rows.text(0, 7).prefix(8), radix: 16)
        else {
            throw LedgerError(
                .schema, "the ledger at \(address) does not say which server it is; see its log")
        }
        return Incarnation(systemIdentifier: identifier, timeline: timeline)
    }

    /// Reads the answer to `history`.
    func checkHistory(_ rows: Rows) throws(LedgerError) {
        let applied = (0..<rows.count).map { (Int32(rows.text($0, 0)) ?? 0, rows.text($0, 1)) }
        guard let missing = try Migration.missing(from: applied, address: address).first else { return }
        throw LedgerError(
            .schema,
            "the ledger at \(address) lacks migration \(missing.number); run `stampede migrate` on it first")
    }

    /// Reads the answer to `settings`.
    func facts(_ rows: Rows, _ incarnation: Incarnation) throws(LedgerError) -> LedgerFacts {
        guard rows.count == 1, let partitions = Int(rows.text(0, 0)), rows.text(0, 3) == rows.text(0, 0)
        else {
            throw LedgerError(
                .schema, "stampede.settings and stampede.partitions at \(address) disagree; restore them")
        }
        guard rows.text(0, 1) == Migrator.hash else {
            throw LedgerError(
                .schema,
                "the ledger at \(address) was made with the hash \(rows.text(0, 1)), this binary has"
                    + " \(Migrator.hash); run the stampede that made it")
        }
        return LedgerFacts(
            incarnation: incarnation, partitions: partitions, hash: rows.text(0, 1),
            anyFence: rows.text(0, 2) == "t", anyLock: rows.text(0, 4) == "t")
    }

    private func unsafe(_ setting: String, _ advice: String) -> LedgerError {
        LedgerError(.unsafe, "the ledger at \(address) has \(setting); \(advice)")
    }
}
