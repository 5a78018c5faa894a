-- Who waits for units that come back. A wait begins with an entry, and ends with the next one that is about it: an order
-- (16), a voided key (17), or one of the last three kinds.

ALTER TABLE stampede.ledger DROP CONSTRAINT ledger_kind;
ALTER TABLE stampede.ledger ADD CONSTRAINT ledger_kind
    CHECK (kind IN (16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 1, 2, 3, 4, 5, 6, 7, 8, 28, 29, 30, 31)) NOT VALID;
COMMENT ON COLUMN stampede.ledger.kind IS
    '1 sale created, 2 sale opened, 3 sale closed, 4 units added, 5 units withdrawn, 6 sale paused, 7 sale resumed, '
    '8 limit changed, 16 order placed, 17 key voided, 18 payment begun, 19 payment failed, 20 payment taken, '
    '21 payment taken late, 22 order expired, 23 order cancelled, 24 refund begun, 25 refund done, '
    '26 surplus owed, 27 surplus returned, 28 wait begun, 29 wait ended: sale closed, 30 wait ended: ran out, '
    '31 wait ended: over the limit';
COMMENT ON COLUMN stampede.ledger.about IS
    'Sequence of the entry that placed the order; of what ends a wait, that of the entry that began it; NULL for what is '
    'about neither.';
