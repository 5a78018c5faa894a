-- Receipts: every batch has a seal, written in its transaction. It binds the Merkle root of the batch's entries to the
-- batch before, so that nothing that was decided can be changed, left out or put in unnoticed. docs/receipts.md has the
-- bytes that are hashed; none of it is computed here.

-- By the last entry of its batch: so the batch of any entry is found, and the seal before a batch. Batches that were
-- written before there were seals have none.
CREATE TABLE stampede.seals (
    last      bigint   NOT NULL,
    batch     bigint   NOT NULL,
    system    bigint   NOT NULL,
    timeline  bigint   NOT NULL,
    partition smallint NOT NULL,
    place     smallint NOT NULL,
    size      smallint NOT NULL,
    previous  bytea    NOT NULL,
    root      bytea    NOT NULL,
    digest    bytea    NOT NULL,
    siblings  bytea    NOT NULL,
    signature bytea,
    key       bytea,
    PRIMARY KEY (partition, last),
    CONSTRAINT seals_lengths CHECK (
        octet_length(previous) = 32 AND octet_length(root) = 32 AND octet_length(digest) = 32
        AND octet_length(siblings) % 32 = 0 AND octet_length(signature) = 64 AND octet_length(key) = 8
        AND (signature IS NULL) = (key IS NULL) AND place >= 0 AND place < size)
);
COMMENT ON COLUMN stampede.seals.system IS 'The server''s system identifier; its 64 bits, read as a signed number.';
COMMENT ON COLUMN stampede.seals.previous IS 'Digest of the seal before; 32 zero bytes for the first.';
COMMENT ON COLUMN stampede.seals.root IS 'Merkle root of the batch''s entries.';
COMMENT ON COLUMN stampede.seals.digest IS 'Of the header of the batch: what the next seal names, and what is signed.';
COMMENT ON COLUMN stampede.seals.place IS 'Among the batches of its transaction, from 0; `size` is how many they are.';
COMMENT ON COLUMN stampede.seals.siblings IS 'Digests beside the way to the root of the transaction.';
COMMENT ON COLUMN stampede.seals.signature IS 'Ed25519, over the root of the transaction; NULL without a key.';

-- The public keys that workers have signed with, for auditors who have no better source.
CREATE TABLE stampede.receipt_keys (
    key      bytea       NOT NULL PRIMARY KEY CHECK (octet_length(key) = 8),
    public   bytea       NOT NULL CHECK (octet_length(public) = 32),
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER seals_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stampede.seals
    FOR EACH STATEMENT EXECUTE FUNCTION stampede.refuse_change();
CREATE TRIGGER receipt_keys_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stampede.receipt_keys
    FOR EACH STATEMENT EXECUTE FUNCTION stampede.refuse_change();

-- `stampede.commit`, and the seals of its batches, with the public key of who signed. Raises what that raises, and ST001
-- for a seal that does not follow the partition's last one: with a new fence the worker learns which that is.
CREATE FUNCTION stampede.commit_sealed(
    batch_partitions smallint[], batch_fences bigint[], batch_numbers bigint[], batch_firsts bigint[],
    batch_lasts bigint[],
    partitions smallint[], sequences bigint[], kinds smallint[], sales bigint[], lanes smallint[],
    buyers bigint[], keys uuid[], quantities integer[], amounts bigint[], times bigint[], terms jsonb[],
    abouts bigint[], notes jsonb[],
    seal_system bigint, seal_timeline bigint, seal_previous bytea[], seal_roots bytea[], seal_digests bytea[],
    seal_siblings bytea[], seal_signature bytea, seal_public bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    clock bigint;
    torn text;
    seal_key bytea := substring(sha256(seal_public) FOR 8);
BEGIN
    -- Locks the rows, so that what is read below is final.
    clock := stampede.commit(
        batch_partitions, batch_fences, batch_numbers, batch_firsts, batch_lasts, partitions, sequences, kinds, sales,
        lanes, buyers, keys, quantities, amounts, times, terms, abouts, notes);

    SELECT string_agg(b.partition::text, ',' ORDER BY b.partition) INTO torn
        FROM unnest(batch_partitions, batch_firsts, seal_previous) AS b (partition, first, previous)
        LEFT JOIN stampede.seals s ON s.partition = b.partition AND s.last = b.first - 1
        WHERE b.previous IS DISTINCT FROM coalesce(s.digest, decode(repeat('00', 32), 'hex'));
    IF torn IS NOT NULL THEN
        RAISE EXCEPTION 'a seal does not follow the one before' USING ERRCODE = 'ST001', DETAIL = torn;
    END IF;

    INSERT INTO stampede.seals
            (last, batch, system, timeline, partition, place, size, previous, root, digest, siblings, signature, key)
        SELECT b.last, b.number, seal_system, seal_timeline, b.partition, b.place - 1, cardinality(batch_partitions),
               b.previous, b.root, b.digest, b.siblings, seal_signature, seal_key
        FROM unnest(batch_partitions, batch_numbers, batch_lasts, seal_previous, seal_roots, seal_digests, seal_siblings)
            WITH ORDINALITY AS b (partition, number, last, previous, root, digest, siblings, place);

    IF seal_key IS NOT NULL AND NOT EXISTS (SELECT FROM stampede.receipt_keys k WHERE k.key = seal_key) THEN
        INSERT INTO stampede.receipt_keys (key, public) VALUES (seal_key, seal_public) ON CONFLICT DO NOTHING;
    END IF;
    RETURN clock;
END $$;

-- As before, and the digest of the last batch's seal, NULL if it has none.
DROP FUNCTION stampede.take_fence(smallint);
CREATE FUNCTION stampede.take_fence(wanted smallint)
    RETURNS TABLE (partition smallint, fence bigint, batch bigint, last bigint, digest bytea) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stampede.partitions p SET fence = p.fence + 1, backend = pg_backend_pid() WHERE p.partition = wanted;
    -- A later statement than the one that waited for the row: it sees what the old owner committed meanwhile.
    RETURN QUERY SELECT p.partition, p.fence, p.batch, p.last, s.digest
        FROM stampede.partitions p LEFT JOIN stampede.seals s ON s.partition = p.partition AND s.last = p.last
        WHERE p.partition = wanted;
END $$;

DROP FUNCTION stampede.renew_fences(smallint[], bigint[]);
CREATE FUNCTION stampede.renew_fences(wanted smallint[], held bigint[])
    RETURNS TABLE (partition smallint, fence bigint, batch bigint, last bigint, digest bytea) LANGUAGE plpgsql AS $$
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
    RETURN QUERY SELECT p.partition, p.fence, p.batch, p.last, s.digest
        FROM stampede.partitions p LEFT JOIN stampede.seals s ON s.partition = p.partition AND s.last = p.last
        WHERE p.partition = ANY (renewed) ORDER BY p.partition;
END $$;
