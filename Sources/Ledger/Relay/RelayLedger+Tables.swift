import Sales

extension RelayLedger {
    /// Writes orders as they stand now, and adds up what their buyers have.
    ///
    /// - Precondition: no order twice.
    public func write(_ orders: [OrderRow], _ buyers: [BuyerChange.Key: BuyerChange]) throws(LedgerError) {
        guard !orders.isEmpty else { return }
        try connection.run(
            """
            INSERT INTO stampede.orders AS o (partition, seq, sale, lane, buyer, quantity, amount, currency, key,
                state, version, attempt, until, placed_at, changed_at)
            SELECT e.partition, e.seq, e.sale, e.lane, e.buyer, e.quantity, e.amount, e.currency, e.key, e.state, e.version,
                nullif(e.attempt, '00000000-0000-0000-0000-000000000000'::uuid),
                CASE WHEN e.until <> 0 THEN timestamptz 'epoch' + e.until * interval '1 microsecond' END,
                timestamptz 'epoch' + e.placed * interval '1 microsecond',
                timestamptz 'epoch' + e.changed * interval '1 microsecond'
            FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::integer[],
                $7::bigint[], $8::text[], $9::uuid[], $10::text[], $11::integer[], $12::uuid[], $13::bigint[],
                $14::bigint[], $15::bigint[])
                e(partition, seq, sale, lane, buyer, quantity, amount, currency, key, state, version, attempt, until,
                  placed, changed)
            ON CONFLICT (partition, seq) DO UPDATE SET state = excluded.state, version = excluded.version,
                attempt = excluded.attempt, until = excluded.until, changed_at = excluded.changed_at
            """
        ) {
            $0.appendArray(.int2, orders.map(\.partition.rawValue))
            $0.appendArray(.int8, orders.map(\.placing.sequence))
            $0.appendArray(.int8, orders.map(\.placing.sale.rawValue))
            $0.appendArray(.int2, orders.map(\.placing.lane.rawValue))
            $0.appendArray(.int8, orders.map(\.placing.buyer.rawValue))
            $0.appendArray(.int4, orders.map(\.placing.quantity))
            $0.appendArray(.int8, orders.map(\.placing.amount))
            $0.appendTexts(orders.map(\.currency))
            $0.appendArray(.uuid, orders.map(\.placing.key.rawValue))
            $0.appendTexts(orders.map(\.life.state.rawValue))
            $0.appendArray(.int4, orders.map(\.life.version))
            $0.appendArray(.uuid, orders.map { $0.life.attempt?.rawValue ?? 0 })
            $0.appendArray(.int8, orders.map { $0.life.until?.rawValue ?? 0 })
            $0.appendArray(.int8, orders.map(\.placing.at.rawValue))
            $0.appendArray(.int8, orders.map(\.changedAt.rawValue))
        }
        try add(buyers)
    }

    private func add(_ buyers: [BuyerChange.Key: BuyerChange]) throws(LedgerError) {
        let rows = buyers.sorted {
            ($0.key.buyer.rawValue, $0.key.sale, $0.key.lane.rawValue)
                < ($1.key.buyer.rawValue, $1.key.sale, $1.key.lane.rawValue)
        }
        try connection.run(
            """
            INSERT INTO stampede.buyers AS b (buyer, sale, lane, orders, units, units_paid, amount_paid,
                first_order_at, changed_at)
            SELECT e.buyer, e.sale, e.lane, e.orders, e.units, e.paid, e.amount,
                timestamptz 'epoch' + e.first * interval '1 microsecond',
                timestamptz 'epoch' + e.last * interval '1 microsecond'
            FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[])
                e(buyer, sale, lane, orders, units, paid, amount, first, last)
            ON CONFLICT (buyer, sale, lane) DO UPDATE SET orders = b.orders + excluded.orders,
                units = b.units + excluded.units, units_paid = b.units_paid + excluded.units_paid,
                amount_paid = b.amount_paid + excluded.amount_paid, changed_at = excluded.changed_at
            """
        ) {
            $0.appendArray(.int8, rows.map(\.key.buyer.rawValue))
            $0.appendArray(.int8, rows.map(\.key.sale.rawValue))
            $0.appendArray(.int2, rows.map(\.key.lane.rawValue))
            $0.appendArray(.int8, rows.map(\.value.orders))
            $0.appendArray(.int8, rows.map(\.value.units))
            $0.appendArray(.int8, rows.map(\.value.unitsPaid))
            $0.appendArray(.int8, rows.map(\.value.amountPaid))
            $0.appendArray(.int8, rows.map(\.value.first.rawValue))
            $0.appendArray(.int8, rows.map(\.value.last.rawValue))
        }
    }

    /// Empties both tables and has them filled again from the first entry on. A relay that runs meanwhile goes on there.
    public func clearTables(sink: String) throws(LedgerError) {
        try transaction { () throws(LedgerError) in
            try lock(sink)
            try connection.run("TRUNCATE stampede.orders, stampede.buyers")
            try connection.run(
                "UPDATE stampede.relay_cursors SET sequence = 0, mark = NULL WHERE sink = ($1::text[])[1]"
            ) { $0.appendTexts([sink]) }
        }
    }

    /// Holds all cursors of a sink until the end of the transaction.
    func lock(_ sink: String) throws(LedgerError) {
        try connection.run(
            """
            SELECT c.partition FROM stampede.relay_cursors c WHERE c.sink = ($1::text[])[1]
            ORDER BY c.partition FOR UPDATE
            """
        ) { $0.appendTexts([sink]) }
    }
}
