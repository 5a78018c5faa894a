-- What happens to an order after it was placed, and to a sale while it runs. Every change is one more entry; those about
-- an order name the entry that placed it.

ALTER TABLE stampede.ledger ADD COLUMN about bigint, ADD COLUMN note jsonb;
ALTER TABLE stampede.ledger DROP CONSTRAINT ledger_kind;
ALTER TABLE stampede.ledger ADD CONSTRAINT ledger_kind
    CHECK (kind IN (16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 1, 2, 3, 4, 5, 6, 7, 8)) NOT VALID;
ALTER TABLE stampede.ledger ADD CONSTRAINT ledger_about CHECK (about IS NULL OR about < seq) NOT VALID;
COMMENT ON COLUMN stampede.ledger.kind IS
    '1 sale created, 2 sale opened, 3 sale closed, 4 units added, 5 units withdrawn, 6 sale paused, 7 sale resumed, '
    '8 limit changed, 16 order placed, 17 key voided, 18 payment begun, 19 payment failed, 20 payment taken, '
    '21 payment taken late, 22 order expired, 23 order cancelled, 24 refund begun, 25 refund done, '
    '26 surplus owed, 27 surplus returned';
COMMENT ON COLUMN stampede.ledger.about IS 'Sequence of the entry that placed the order; NULL for what is about none.';
COMMENT ON COLUMN stampede.ledger.note IS 'Who wanted it, and why: {"actor", "reason"}.';

-- The last entry about an order says where it is in its life, but for money beside what paid for it (26, 27), and for
-- the failure (19) of an attempt that its order did not wait for.
DROP VIEW stampede.orders;
CREATE VIEW stampede.orders AS
    SELECT o.partition || '-' || o.seq AS id, o.sale, o.lane, o.buyer, o.quantity, o.amount, s.currency, o.key,
           CASE l.kind WHEN 18 THEN 'paying' WHEN 20 THEN 'paid' WHEN 21 THEN 'paid' WHEN 22 THEN 'expired'
                WHEN 23 THEN 'cancelled' WHEN 24 THEN 'refunding' WHEN 25 THEN 'refunded' ELSE 'reserved' END AS state,
           timestamptz 'epoch' + o.at * interval '1 microsecond' AS placed_at
    FROM stampede.ledger o
    LEFT JOIN (SELECT partition, sale, lane, terms ->> 'currency' AS currency
               FROM stampede.ledger WHERE kind = 1) s USING (partition, sale, lane)
    LEFT JOIN (SELECT DISTINCT ON (partition, about) partition, about, kind
               FROM (SELECT partition, about, seq, kind,
                            bool_or(kind IN (22, 23)) OVER (PARTITION BY partition, about) AS ended
                     FROM stampede.ledger WHERE about IS NOT NULL) e
               WHERE kind NOT IN (26, 27) AND NOT (kind = 19 AND ended)
               ORDER BY partition, about, seq DESC) l ON l.partition = o.partition AND l.about = o.seq
    WHERE o.kind = 16;

DROP FUNCTION stampede.commit(
    smallint[], bigint[], bigint[], bigint[], bigint[], smallint[], bigint[], smallint[], bigint[], smallint[],
    bigint[], uuid[], integer[], bigint[], bigint[], jsonb[]);

-- The whole transaction of a worker. Its arrays are the columns of its batches, in order of partition, and the
-- columns of their entries. Returns the ledger's clock in microseconds, or raises and writes nothing:
--   ST001  a batch is not the next one of its partition, or its fence is not the newest (detail: partitions)
--   ST002  a decision is over 5 s old, or over 100 ms ahead of this server's clock (detail: partitions)
-- Must run in READ COMMITTED: each statement then sees what was committed while the one before waited.
CREATE FUNCTION stampede.commit(
    batch_partitions smallint[], batch_fences bigint[], batch_numbers bigint[], batch_firsts bigint[],
    batch_lasts bigint[],
    partitions smallint[], sequences bigint[], kinds smallint[], sales bigint[], lanes smallint[],
    buyers bigint[], keys uuid[], quantities integer[], amounts bigint[], times bigint[], terms jsonb[],
    abouts bigint[], notes jsonb[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found_partitions text;
    moment timestamptz;
    clock bigint;
    stale text;
    changed_sales bigint[];
    changed_lanes smallint[];
    changed_partitions smallint[];
    changes bigint[];
    updated bigint;
BEGIN
    -- Everybody locks in this order, so that no two transactions wait for each other.
    PERFORM 1 FROM stampede.partitions p
        WHERE p.partition = ANY (batch_partitions) ORDER BY p.partition FOR NO KEY UPDATE;

    SELECT string_agg(b.partition::text, ',' ORDER BY b.partition) INTO found_partitions
        FROM unnest(batch_partitions, batch_fences, batch_numbers, batch_firsts)
            AS b (partition, fence, number, first)
        LEFT JOIN stampede.partitions p USING (partition)
        WHERE (p.fence, p.batch, p.last) IS DISTINCT FROM (b.fence, b.number - 1, b.first - 1);
    IF found_partitions IS NOT NULL THEN
        RAISE EXCEPTION 'another fence or batch has come before' USING ERRCODE = 'ST001', DETAIL = found_partitions;
    END IF;

    moment := clock_timestamp();
    clock := extract(epoch FROM moment) * 1000000;

    -- One pass over the entries tells their age and what they change. The stock is derived here, from the very
    -- rows that are inserted below, so that the two cannot disagree.
    WITH entries AS (
        SELECT unnest(partitions) AS partition, unnest(sales) AS sale, unnest(lanes) AS lane,
               unnest(kinds) AS kind, unnest(quantities) AS quantity, unnest(times) AS at
    ), sums AS (
        SELECT e.partition, e.sale, e.lane, min(e.at) AS oldest, max(e.at) AS newest,
               sum(CASE WHEN e.kind = 16 THEN -e.quantity WHEN e.kind IN (1, 4, 22, 23, 25) THEN e.quantity
                        WHEN e.kind IN (5, 21) THEN -e.quantity ELSE 0 END) AS change
        FROM entries e GROUP BY e.partition, e.sale, e.lane
    )
    SELECT string_agg(DISTINCT s.partition::text, ',')
               FILTER (WHERE s.oldest < clock - 5000000 OR s.newest > clock + 100000),
           array_agg(s.sale) FILTER (WHERE s.change <> 0),
           array_agg(s.lane) FILTER (WHERE s.change <> 0),
           array_agg(s.partition) FILTER (WHERE s.change <> 0),
           array_agg(s.change) FILTER (WHERE s.change <> 0)
        INTO stale, changed_sales, changed_lanes, changed_partitions, changes
        FROM sums s;
    IF stale IS NOT NULL THEN
        RAISE EXCEPTION 'a decision is over 5 s old or over 100 ms ahead' USING ERRCODE = 'ST002', DETAIL = stale;
    END IF;

    -- Almost every transaction places orders and nothing else.
    IF terms IS NULL AND abouts IS NULL AND notes IS NULL THEN
        INSERT INTO stampede.ledger (partition, seq, kind, sale, lane, buyer, key, quantity, amount, at)
            SELECT unnest(partitions), unnest(sequences), unnest(kinds), unnest(sales), unnest(lanes),
                   unnest(buyers), unnest(keys), unnest(quantities), unnest(amounts), unnest(times);
    ELSE
        -- Of the last three, those that are NULL give no rows, which are filled up with NULLs.
        INSERT INTO stampede.ledger
                (partition, seq, kind, sale, lane, buyer, key, quantity, amount, at, terms, about, note)
            SELECT unnest(partitions), unnest(sequences), unnest(kinds), unnest(sales), unnest(lanes),
                   unnest(buyers), unnest(keys), unnest(quantities), unnest(amounts), unnest(times),
                   unnest(terms), nullif(unnest(abouts), 0), unnest(notes);
    END IF;

    INSERT INTO stampede.batches (partition, batch, fence, first, last, at)
        SELECT b.partition, b.number, b.fence, b.first, b.last, moment
        FROM unnest(batch_partitions, batch_numbers, batch_fences, batch_firsts, batch_lasts)
            AS b (partition, number, fence, first, last);

    UPDATE stampede.partitions p SET batch = b.number, last = b.last, backend = pg_backend_pid()
        FROM unnest(batch_partitions, batch_numbers, batch_lasts) AS b (partition, number, last)
        WHERE p.partition = b.partition;

    -- A sale that is created gets its row first; a second sale of that name breaks the primary key.
    IF 1 = ANY (kinds) THEN
        INSERT INTO stampede.stock (sale, lane, partition, remaining)
            SELECT e.sale, e.lane, e.partition, 0
            FROM unnest(partitions, sales, lanes, kinds) AS e (partition, sale, lane, kind)
            WHERE e.kind = 1;
    END IF;

    IF changes IS NOT NULL THEN
        UPDATE stampede.stock s SET remaining = s.remaining + c.change
            FROM unnest(changed_sales, changed_lanes, changed_partitions, changes)
                AS c (sale, lane, partition, change)
            WHERE s.sale = c.sale AND s.lane = c.lane AND s.partition = c.partition;
        GET DIAGNOSTICS updated = ROW_COUNT;
        IF updated <> cardinality(changes) THEN
            RAISE EXCEPTION 'an entry names a sale that its partition does not have'
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;

    RETURN clock;
END $$;
