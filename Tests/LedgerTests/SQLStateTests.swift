import Resilience
import Testing
import Wire

@testable import Ledger

/// What an error says of the server.
@Suite struct SQLStateTests {
    @Test(
        arguments: [
            ("08006", .unreachable), ("57P01", .unreachable), ("57P03", .unreachable),
            ("53100", .unreachable),
            ("53300", .unreachable), ("25006", .unreachable), ("57014", .failure), ("58030", .failure),
            ("XX000", .failure), ("42P01", .failure), ("40001", .ignored), ("40P01", .ignored),
            ("55P03", .ignored),
            ("22003", .success), ("23505", .success), ("23514", .success), ("ST001", .success),
            ("ST002", .success),
        ] as [(String, CircuitBreaker.Outcome)])
    func `contention and refused data say nothing against the server`(
        state: String, outcome: CircuitBreaker.Outcome
    ) {
        #expect(SQLState(rawValue: state).outcome == outcome)
        let error = LedgerError(.server, "no", sqlState: SQLState(rawValue: state))
        #expect(error.isOutage == (outcome == .failure || outcome == .unreachable))
    }

    @Test(
        arguments: [
            (LedgerError.Code.lost, .unreachable), (.refused, .unreachable), (.timeout, .failure),
            (.busy, .ignored),
            (.schema, .ignored),
        ] as [(LedgerError.Code, CircuitBreaker.Outcome)])
    func `an error without a code of the server is judged by where it arose`(
        code: LedgerError.Code, outcome: CircuitBreaker.Outcome
    ) {
        #expect(LedgerError(code, "no").outcome == outcome)
    }

    @Test func `a server that may no longer write is left for another`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(1, units: 10, connection)
        // As a primary that has become a standby without a word would say it.
        _ = try ledger.sql(
            """
            CREATE FUNCTION public.deny() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'read-only' USING ERRCODE = '25006'; END $$;
            CREATE TRIGGER deny BEFORE INSERT ON stampede.ledger EXECUTE FUNCTION public.deny()
            """)
        var closed: LedgerError?
        connection.onClose = { closed = $0 }
        let outcome = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection)
        #expect(outcome.failure?.sqlState == .readOnly)
        #expect(closed?.sqlState == .readOnly)
        #expect(!connection.isReady)
    }
}
