-- What the relay keeps beside the ledger: how far each sink has been told, and two tables for people who read SQL.
-- A commit touches none of these. The two indexes hold what is about an order or a wait that began before, and the terms
-- of sales: an order that nobody waited for enters neither.

ALTER VIEW stampede.orders RENAME TO order_states;
COMMENT ON VIEW stampede.order_states IS 'Every order and its state, read off the ledger itself: exact, and slow.';

-- An event says how many entries its order has had, so the earlier ones of an order must be found.
CREATE INDEX ledger_about ON stampede.ledger (partition, about, seq) WHERE about IS NOT NULL;
CREATE INDEX ledger_terms ON stampede.ledger (partition, sale, lane, seq) WHERE terms IS NOT NULL;

-- Whom the relay tells.
CREATE TABLE stampede.relay_sinks (
    sink    text        COLLATE "C" NOT NULL PRIMARY KEY CHECK (sink ~ '^[a-z][a-z0-9-]{0,62}$'),
    target  text        NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    trouble text
);
COMMENT ON COLUMN stampede.relay_sinks.target IS 'Where events go; never holds a password.';
COMMENT ON COLUMN stampede.relay_sinks.seen_at IS 'When a relay last worked on it.';
COMMENT ON COLUMN stampede.relay_sinks.trouble IS 'Why it does not get on; NULL while it does.';

-- How far. Moved by compare-and-set, so that relays that run twice never move one back.
CREATE TABLE stampede.relay_cursors (
    sequence  bigint   NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    mark      bigint,
    partition smallint NOT NULL,
    sink      text     COLLATE "C" NOT NULL REFERENCES stampede.relay_sinks ON DELETE CASCADE,
    PRIMARY KEY (sink, partition)
) WITH (fillfactor = 25, vacuum_truncate = off);
COMMENT ON COLUMN stampede.relay_cursors.sequence IS 'The last entry that the sink has taken; 0 for none.';
COMMENT ON COLUMN stampede.relay_cursors.mark IS
    'A hash of that entry: another one in its place means another ledger. NULL when nobody has looked yet.';

-- What a sink refused for good. An operator looks at it, and has it sent again.
CREATE TABLE stampede.relay_dead_letters (
    sequence  bigint      NOT NULL,
    partition smallint    NOT NULL,
    attempts  integer     NOT NULL,
    again     boolean     NOT NULL DEFAULT false,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sink      text        COLLATE "C" NOT NULL REFERENCES stampede.relay_sinks ON DELETE CASCADE,
    subject   text        NOT NULL,
    reason    text        NOT NULL,
    event     text        NOT NULL,
    PRIMARY KEY (sink, partition, sequence)
);
COMMENT ON COLUMN stampede.relay_dead_letters.again IS 'An operator wants it sent once more.';

-- Orders as they stand, kept by the relay's sink "tables" some milliseconds behind the ledger.
CREATE TABLE stampede.orders (
    seq        bigint      NOT NULL,
    sale       bigint      NOT NULL,
    buyer      bigint      NOT NULL,
    amount     bigint      NOT NULL,
    placed_at  timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    until      timestamptz,
    key        uuid        NOT NULL,
    attempt    uuid,
    quantity   integer     NOT NULL,
    version    integer     NOT NULL CHECK (version > 0),
    partition  smallint    NOT NULL,
    lane       smallint    NOT NULL,
    id         text        COLLATE "C" NOT NULL GENERATED ALWAYS AS (partition::text || '-' || seq::text) STORED,
    state      text        COLLATE "C" NOT NULL
        CHECK (state IN ('reserved', 'paying', 'paid', 'refunding', 'refunded', 'expired', 'cancelled')),
    currency   text        COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, seq)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX orders_by_id ON stampede.orders (id);
CREATE INDEX orders_by_buyer ON stampede.orders (buyer, placed_at);
CREATE INDEX orders_by_sale ON stampede.orders (sale, placed_at);
CREATE INDEX orders_that_end ON stampede.orders (until) WHERE until IS NOT NULL;
CREATE INDEX orders_by_key ON stampede.orders (key);
COMMENT ON TABLE stampede.orders IS 'Kept by the relay, a little behind the ledger: see stampede.relay_cursors.';
COMMENT ON COLUMN stampede.orders.amount IS 'In minor units of the currency.';
COMMENT ON COLUMN stampede.orders.version IS 'How many entries of the ledger are about the order.';
COMMENT ON COLUMN stampede.orders.until IS 'When the hold or the attempt to pay ends, unless something happens.';

-- What each buyer has of each sale.
CREATE TABLE stampede.buyers (
    buyer         bigint      NOT NULL,
    sale          bigint      NOT NULL,
    orders        bigint      NOT NULL,
    units         bigint      NOT NULL,
    units_paid    bigint      NOT NULL,
    amount_paid   bigint      NOT NULL,
    first_order_at timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    lane          smallint    NOT NULL,
    PRIMARY KEY (buyer, sale, lane)
) WITH (fillfactor = 80);
CREATE INDEX buyers_by_sale ON stampede.buyers (sale, units DESC);
COMMENT ON TABLE stampede.buyers IS 'Kept by the relay, a little behind the ledger: see stampede.relay_cursors.';
COMMENT ON COLUMN stampede.buyers.orders IS 'Orders ever placed.';
COMMENT ON COLUMN stampede.buyers.units IS 'Units in live orders.';
COMMENT ON COLUMN stampede.buyers.units_paid IS 'Units in orders that are paid now.';
COMMENT ON COLUMN stampede.buyers.amount_paid IS 'What these cost, in minor units of the sale''s currency.';

-- The last entry of a partition that was decided before a moment, 0 if there is none: a binary search by the primary
-- key, as times grow with the sequence but for the milliseconds by which two owners' clocks differ.
CREATE FUNCTION stampede.relay_place(place smallint, moment bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low    bigint := 0;
    high   bigint := (SELECT p.last FROM stampede.partitions p WHERE p.partition = place);
    middle bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT l.at FROM stampede.ledger l WHERE l.partition = place AND l.seq = middle) < moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;
