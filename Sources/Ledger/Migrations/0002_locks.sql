-- Fences of the locks that services take. Redis says who may, this says who did: a fence grows with every holder,
-- and what is written under a lock is refused by its resource if a higher one has been there. A row is never
-- deleted, because a fence must never go back; it takes some 60 bytes and its name.
CREATE TABLE stampede.locks (
    fence    bigint NOT NULL,
    resource text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(resource) BETWEEN 1 AND 128)
) WITH (fillfactor = 50);
COMMENT ON COLUMN stampede.locks.fence IS 'Given to the last holder. Only ever grows.';

CREATE TRIGGER locks_stay BEFORE DELETE OR TRUNCATE ON stampede.locks
    FOR EACH STATEMENT EXECUTE FUNCTION stampede.refuse_change();

-- The next fence of each of these locks, in their order; of one that is named twice, two. Rows are locked in the order
-- of names, so that two calls never wait for each other in a circle.
CREATE FUNCTION stampede.take_lock_fences(wanted text[])
    RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    fences bigint[] := array_fill(0::bigint, ARRAY[cardinality(wanted)]);
    name   text;
    place  bigint;
    taken  bigint;
BEGIN
    FOR name, place IN
        SELECT w.name, w.place FROM unnest(wanted) WITH ORDINALITY w(name, place)
        ORDER BY w.name COLLATE "C", w.place
    LOOP
        INSERT INTO stampede.locks AS l (resource, fence) VALUES (name, 1)
            ON CONFLICT (resource) DO UPDATE SET fence = l.fence + 1 RETURNING l.fence INTO taken;
        fences[place] := taken;
    END LOOP;
    RETURN QUERY SELECT unnest(fences);
END $$;
