-- The ledger: an append-only sequence per partition, and three narrow tables beside it that every commit
-- checks or keeps in step. The words are those of docs/; each function below is one whole transaction.

-- What may never change once there are entries. One row.
CREATE TABLE stampede.settings (
    only_row   boolean  PRIMARY KEY DEFAULT true CHECK (only_row),
    partitions smallint NOT NULL CHECK (partitions > 0),
    hash       text     NOT NULL
);

-- Who may write to a partition, and where it stands. Updated once per transaction, so each page has room
-- for many versions of its few rows (HOT), and no vacuum takes the table's lock to give pages back.
CREATE TABLE stampede.partitions (
    partition smallint NOT NULL PRIMARY KEY,
    fence     bigint   NOT NULL DEFAULT 0,
    batch     bigint   NOT NULL DEFAULT 0,
    last      bigint   NOT NULL DEFAULT 0,
    backend   integer  NOT NULL DEFAULT 0
) WITH (fillfactor = 10, vacuum_truncate = off);
COMMENT ON COLUMN stampede.partitions.fence IS 'Only the owner that holds this number can commit.';
COMMENT ON COLUMN stampede.partitions.batch IS 'Number of the last batch.';
COMMENT ON COLUMN stampede.partitions.last IS 'Sequence of the last entry.';
COMMENT ON COLUMN stampede.partitions.backend IS 'Server process that wrote this row last, for operators.';

-- Whatever happens to an order or a sale. The columns stand widest first, so that no byte is padding.
CREATE TABLE stampede.ledger (
    seq       bigint   NOT NULL,
    sale      bigint   NOT NULL,
    buyer     bigint   NOT NULL,
    amount    bigint   NOT NULL,
    at        bigint   NOT NULL,
    key       uuid     NOT NULL,
    quantity  integer  NOT NULL,
    partition smallint NOT NULL,
    kind      smallint NOT NULL,
    lane      smallint NOT NULL,
    terms     jsonb,
    PRIMARY KEY (partition, seq),
    CONSTRAINT ledger_kind CHECK (kind IN (16, 17, 1, 2, 3, 4)),
    CONSTRAINT ledger_amounts CHECK (quantity >= 0 AND amount >= 0)
);
COMMENT ON COLUMN stampede.ledger.at IS 'Decision time in microseconds since 1970, by the clock of this server.';
COMMENT ON COLUMN stampede.ledger.kind IS
    '1 sale created, 2 sale opened, 3 sale closed, 4 units added, 16 order placed, 17 key voided';

-- One row per batch: when it was written and under which fence. The audit judges P5 and P6 by it.
CREATE TABLE stampede.batches (
    batch     bigint      NOT NULL,
    fence     bigint      NOT NULL,
    first     bigint      NOT NULL,
    last      bigint      NOT NULL,
    at        timestamptz NOT NULL,
    partition smallint    NOT NULL,
    PRIMARY KEY (partition, batch)
);

-- Units left. The CHECK makes an oversell impossible whatever a worker believes.
CREATE TABLE stampede.stock (
    sale      bigint   NOT NULL,
    remaining bigint   NOT NULL CONSTRAINT stock_never_oversold CHECK (remaining >= 0),
    lane      smallint NOT NULL,
    partition smallint NOT NULL,
    PRIMARY KEY (sale, lane)
) WITH (fillfactor = 10, vacuum_truncate = off);

CREATE FUNCTION stampede.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stampede.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Whatever was promised to a buyer stands in it. Append an entry that undoes the effect.';
END $$;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stampede.ledger
    FOR EACH STATEMENT EXECUTE FUNCTION stampede.refuse_change();
CREATE TRIGGER batches_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stampede.batches
    FOR EACH STATEMENT EXECUTE FUNCTION stampede.refuse_change();

CREATE VIEW stampede.orders AS
    SELECT o.partition || '-' || o.seq AS id, o.sale, o.lane, o.buyer, o.quantity, o.amount, s.currency, o.key,
           'reserved'::text AS state,
           timestamptz 'epoch' + o.at * interval '1 microsecond' AS placed_at
    FROM stampede.ledger o
    LEFT JOIN (SELECT partition, sale, lane, terms ->> 'currency' AS currency
               FROM stampede.ledger WHERE kind = 1) s USING (partition, sale, lane)
    WHERE o.kind = 16;

-- The whole transaction of a worker. Its arrays are the columns of its batches, in order of partition, and the
-- columns of their entries. Returns the ledger's clock in microseconds, or raises and writes nothing:
--   ST001  a batch is not the next one of its partition, or its fence is not the newest (detail: partitions)
--   ST002  a decision is over 5 s old, or over 100 ms ahead of this server's clock (detail: partitions)
-- Must run in READ COMMITTED: each statement then sees what was committed while the one before waited.
CREATE FUNCTION stampede.commit(
    batch_partitions smallint[], batch_fences bigint[], batch_numbers bigint[], batch_firsts bigint[],
    batch_lasts bigint[],
    partitions smallint[], sequences bigint[], kinds smallint[], sales bigint[], lanes smallint[],
    buyers bigint[], keys uuid[], quantities integer[], amounts bigint[], times bigint[], terms jsonb[]
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
               sum(CASE e.kind WHEN 16 THEN -e.quantity WHEN 4 THEN e.quantity WHEN 1 THEN e.quantity ELSE 0 END)
                   AS change
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

    IF terms IS NULL THEN
        INSERT INTO stampede.ledger (partition, seq, kind, sale, lane, buyer, key, quantity, amount, at)
            SELECT unnest(partitions), unnest(sequences), unnest(kinds), unnest(sales), unnest(lanes),
                   unnest(buyers), unnest(keys), unnest(quantities), unnest(amounts), unnest(times);
    ELSE
        INSERT INTO stampede.ledger (partition, seq, kind, sale, lane, buyer, key, quantity, amount, at, terms)
            SELECT unnest(partitions), unnest(sequences), unnest(kinds), unnest(sales), unnest(lanes),
                   unnest(buyers), unnest(keys), unnest(quantities), unnest(amounts), unnest(times),
                   unnest(terms);
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

-- Makes the caller the partition's only writer. The position is read by a later statement than the one that
-- waited for the row, and so includes what the old owner committed meanwhile.
CREATE FUNCTION stampede.take_fence(wanted smallint)
    RETURNS TABLE (partition smallint, fence bigint, batch bigint, last bigint) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stampede.partitions p SET fence = p.fence + 1, backend = pg_backend_pid() WHERE p.partition = wanted;
    RETURN QUERY SELECT p.partition, p.fence, p.batch, p.last FROM stampede.partitions p WHERE p.partition = wanted;
END $$;

-- The next fence for those partitions whose fence is still the given one. Waits for a transaction of the old
-- fence that is still running, and shuts out every later one.
CREATE FUNCTION stampede.renew_fences(wanted smallint[], held bigint[])
    RETURNS TABLE (partition smallint, fence bigint, batch bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE
    renewed smallint[];
BEGIN
    PERFORM 1 FROM stampede.partitions p
        WHERE p.partition = ANY (wanted) AND p.fence = held[array_position(wanted, p.partition)]
        ORDER BY p.partition FOR NO KEY UPDATE;
    WITH changed AS (
        UPDATE stampede.partitions p SET fence = p.fence + 1, backend = pg_backend_pid()
            WHERE p.partition = ANY (wanted) AND p.fence = held[array_position(wanted, p.partition)]
            RETURNING p.partition
    ) SELECT array_agg(c.partition) INTO renewed FROM changed c;
    RETURN QUERY SELECT p.partition, p.fence, p.batch, p.last FROM stampede.partitions p
        WHERE p.partition = ANY (renewed) ORDER BY p.partition;
END $$;

-- Ends the sessions of workers that have held one of these rows for longer than the lock timeout. The holder
-- is found by the transaction that the row itself names (xmax): the process recorded by an earlier commit may
-- have ended, and its number may belong to another. With `held`, rows of another fence are left alone.
CREATE FUNCTION stampede.terminate_holders(wanted smallint[], held bigint[])
    RETURNS bigint LANGUAGE sql AS $$
    SELECT count(pg_terminate_backend(a.pid))
        FROM stampede.partitions p JOIN pg_stat_activity a ON a.backend_xid = p.xmax
        WHERE p.partition = ANY (wanted)
          AND (held IS NULL OR p.fence = held[array_position(wanted, p.partition)])
          AND a.datname = current_database()
          AND a.application_name LIKE 'stampede/%'
          AND a.pid <> pg_backend_pid()
          AND a.xact_start <= clock_timestamp() - current_setting('lock_timeout')::interval
$$;
