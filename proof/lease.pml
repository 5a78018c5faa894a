/*
 * Lease, fence and batch: why a yes is true whatever the workers and Redis believe (P1-P3, P6, and the truth of
 * a "no").
 *
 * One partition, WORKERS workers, one Postgres. Spin looks at every order in which their steps can happen. A
 * step is what nobody can see the inside of: a statement or a transaction of Postgres, a turn of a worker's
 * loop. What stands between two steps may last for ever, so every pause, delay and death is in here.
 *
 * The lease is not modelled, and that is the point: Redis may lie, so any worker may believe at any time that it
 * holds the lease, and may lose it at any time. Nor is the CHECK of stampede.stock, nor any clock: the fence
 * alone must do.
 *
 *   here            there
 *   Backend         stampede.commit() in Sources/Ledger/Migrations/0001_ledger.sql
 *   Worker          WorkerCore in Sources/Workers/Core: +Ownership.swift and +Transactions.swift
 *   take, load      stampede.take_fence(), then `load` of Sources/Ledger/Connection/Statements.swift
 *   renew           stampede.renew_fences()
 *
 * The bounds below make it finite. proof/check runs it, and then plants one bug after the other (-D): spin must
 * find each.
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef KEYS
#define KEYS 2      /* request keys: whoever has one may ask for its order, as often as they like */
#endif
#ifndef SETTLED
#define SETTLED 1   /* so many of the keys may be settled, too */
#endif
#ifndef UNITS
#define UNITS 1     /* at first; the operators may add one more */
#endif
#ifndef ENTRIES
#define ENTRIES 1   /* in a batch, at most */
#endif
#ifndef FENCES
#define FENCES 3    /* so often are fences taken or renewed, together */
#endif
#ifndef ZOMBIES
#define ZOMBIES 1   /* transactions at a time whose client is gone */
#endif

#define SESSIONS (WORKERS + ZOMBIES)
#define BATCHES (KEYS + 3)
#define NOBODY 255

/* Entries are sets, a bit each: one per request key, and one for the units that the operators add. */
#define ADDED (1 << KEYS)
#define has(set, bit) (((set) >> (bit)) & 1)
#if KEYS == 2
#define ORDERED(set) (has(set, 0) + has(set, 1))
#elif KEYS == 3
#define ORDERED(set) (has(set, 0) + has(set, 1) + has(set, 2))
#endif
#define LEFT(set) (UNITS + has(set, KEYS) - ORDERED(set))

/* --- Postgres: one row of stampede.partitions, and the ledger ------------------------------------------- */

byte fence;             /* partitions.fence */
byte batch;             /* partitions.batch */
byte placed, voided;    /* ledger: keys with an order (and ADDED); keys that were settled as void */
byte author[BATCHES];   /* batches.fence, by number */
byte holder = NOBODY;   /* of the row's lock: a session */

/* What a session is at. The first WORKERS belong to the workers, the others to clients that are gone. */
#define NONE 0
#define SENT 1          /* somewhere before the row's lock: on the network, in a buffer, waiting */
#define LOCKED 2        /* fence and batch were checked under the lock; not committed yet */
#define COMMITTED 3     /* and the client may or may not hear of it */

typedef Transaction {
    unsigned state : 2, fence : 3, batch : 3, placed : 4, voided : 3;
    bool disclaimed     /* its callers were told "not executed" */
}
Transaction tx[SESSIONS];

inline forget(s) {
    tx[s].state = NONE; tx[s].fence = 0; tx[s].batch = 0; tx[s].placed = 0; tx[s].voided = 0;
    tx[s].disclaimed = false
}

#ifdef NO_FENCE_CHECK
#define IS_NEXT(s) (tx[s].batch == batch + 1)
#elif defined(NO_BATCH_CHECK)
#define IS_NEXT(s) (tx[s].fence == fence)
#else
#define IS_NEXT(s) (tx[s].fence == fence && tx[s].batch == batch + 1)
#endif

/* --- The workers ---------------------------------------------------------------------------------------- */

/* PartitionState.phase */
#define IDLE 0
#define WAITING 1   /* only with STALE_READ: its statement waits for the row */
#define LOADING 2   /* has a fence, and will read the ledger */
#define OWNED 3

/* TransactionState, and what of `resolving` */
#define IN_DOUBT 2

typedef Partition {
    unsigned phase : 2;
    unsigned fence : 3;
    unsigned batch : 3;                     /* the last one that is known to have committed */
    unsigned placed : 4, voided : 3;        /* the book: what has committed */
    unsigned commit : 2;                    /* NONE, SENT, IN_DOUBT */
    unsigned newPlaced : 4, newVoided : 3   /* the layer in flight: what is in the transaction */
}
Partition at[WORKERS];
hidden byte i, entries;              /* counts within a step, and means nothing after it */

/* The answers. A yes speaks of the ledger, and the ledger is append-only: what is true now is true for ever. */
inline say_yes(w) {
    printf("worker %d says yes: placed %d, voided %d\n", w, at[w].newPlaced, at[w].newVoided);
    assert((at[w].newPlaced & placed) == at[w].newPlaced);      /* P2: a yes is in the ledger */
    assert((at[w].newVoided & voided) == at[w].newVoided)       /* P2: so is a void */
}

inline say_not_executed(w) {
    printf("worker %d says: not executed\n", w);
    assert(author[at[w].batch + 1] != at[w].fence);             /* P8: what was "not executed" is not there */
    for (i : 0 .. SESSIONS - 1) {
        if
        :: tx[i].state != NONE && tx[i].fence == at[w].fence && tx[i].batch == at[w].batch + 1 ->
            tx[i].disclaimed = true
        :: else
        fi
    }
}

/* WorkerCore.lose: whoever does not serve needs no book, but must still end what it has begun. */
inline stop_serving(w) { at[w].phase = IDLE; at[w].placed = 0; at[w].voided = 0 }
inline forget_fence(w) { at[w].fence = 0; at[w].batch = 0 }
inline end_layer(w) { at[w].newPlaced = 0; at[w].newVoided = 0; at[w].commit = NONE }

inline lose(w) {
    stop_serving(w);
    if
    :: at[w].commit == NONE -> forget_fence(w)
    :: else
    fi
}

/* WorkerCore.settle: the layer has committed, its answers leave. */
inline settle(w) {
    say_yes(w);
    if
    :: at[w].phase == OWNED ->
        at[w].batch++;
        at[w].placed = at[w].placed | at[w].newPlaced;
        at[w].voided = at[w].voided | at[w].newVoided
    :: else -> forget_fence(w)
    fi;
    end_layer(w)
}

/* The outage or the loss of the partition ends the requests of the layer. */
inline refuse(w) {
    say_not_executed(w);
    if
    :: at[w].phase == OWNED
    :: else -> forget_fence(w)
    fi;
    end_layer(w)
}

/* WorkerCore.takeBack: an owner decides again, later; who owns no more hands back. */
inline take_back(w) {
    if
    :: at[w].phase == OWNED -> printf("worker %d takes its batch back\n", w); end_layer(w)
    :: else -> refuse(w)
    fi
}

/* Book.decide, for a batch of requests: new orders while there are units, voids, units added. */
inline decide(w) {
    entries = 0;
    for (i : 0 .. KEYS) {
        if
        :: has(at[w].placed | at[w].voided, i) == 0 && entries < ENTRIES ->
            if
            :: i == KEYS || LEFT(at[w].placed | at[w].newPlaced) > 0 ->
                at[w].newPlaced = at[w].newPlaced | (1 << i); entries++
            :: i < SETTLED -> at[w].newVoided = at[w].newVoided | (1 << i); entries++
            :: skip
            fi
        :: else
        fi
    }
}

inline send(w) {
    at[w].commit = SENT;
    tx[w].fence = at[w].fence; tx[w].batch = at[w].batch + 1;
    tx[w].placed = at[w].newPlaced; tx[w].voided = at[w].newVoided;
    tx[w].state = SENT
}

/* The connection ends. What the server has not finished goes on without its client. */
inline lose_connection(w) {
    if
    :: tx[w].state == SENT || tx[w].state == LOCKED ->
        i = WORKERS;
        do
        :: tx[i].state != NONE -> i++
        :: else -> break
        od;
        tx[i].state = tx[w].state;
        tx[i].fence = tx[w].fence; tx[i].batch = tx[w].batch;
        tx[i].placed = tx[w].placed; tx[i].voided = tx[w].voided;
        if
        :: holder == w -> holder = i
        :: else
        fi
    :: else
    fi;
    forget(w)
}

#if ZOMBIES == 1
#define CAN_LOSE(w) (tx[w].state > LOCKED || tx[WORKERS].state == NONE)
#else
#define CAN_LOSE(w) (tx[w].state > LOCKED || tx[WORKERS].state == NONE || tx[WORKERS + 1].state == NONE)
#endif

proctype Backend(byte s) {
end:
    do
    /* SELECT ... FOR NO KEY UPDATE, then the comparison: nobody moves the row from here on. */
    :: atomic { tx[s].state == SENT && holder == NOBODY ->
        if
        :: IS_NEXT(s) -> holder = s; tx[s].state = LOCKED
        :: else ->
            printf("the ledger refuses batch %d of fence %d\n", tx[s].batch, tx[s].fence);
            if
#ifdef SILENT_REFUSAL
            :: s < WORKERS -> tx[s].state = COMMITTED   /* UPDATE ... WHERE fence = mine: no row, no error */
#else
            :: s < WORKERS -> forget(s); at[s].commit = IN_DOUBT    /* RAISE ... ERRCODE = 'ST001' */
#endif
            :: else -> forget(s)
            fi
        fi }

    /* The INSERTs, the UPDATEs and COMMIT: seen by nobody until all of them are. */
    :: atomic { tx[s].state == LOCKED ->
        printf("batch %d of fence %d is committed: placed %d, voided %d\n",
            tx[s].batch, tx[s].fence, tx[s].placed, tx[s].voided);
        assert(tx[s].fence == fence);       /* P6: only the newest fence commits */
        assert(((placed | voided) & (tx[s].placed | tx[s].voided)) == 0);   /* P3: one key, one entry */
        assert(!tx[s].disclaimed);          /* P8: what was "not executed" never happens later */
        placed = placed | tx[s].placed;
        voided = voided | tx[s].voided;
        assert(LEFT(placed) >= 0);          /* P1: never oversold */
        batch = tx[s].batch;
        author[batch] = tx[s].fence;
        holder = NOBODY;
        if
        :: s < WORKERS -> tx[s].state = COMMITTED
        :: else -> forget(s)
        fi }

    /* A lock timeout, a full disk, pg_terminate_backend, the postmaster's death: nothing is written. */
    :: atomic { tx[s].state == SENT || tx[s].state == LOCKED ->
        printf("batch %d of fence %d is rolled back\n", tx[s].batch, tx[s].fence);
        if
        :: holder == s -> holder = NOBODY
        :: else
        fi;
        forget(s);
        if
        :: s < WORKERS -> refuse(s)
        :: else
        fi }
    od
}

/* Idle workers are alike, so it is enough that the first of them goes on. */
#define IS_IDLE(w) (at[w].phase == IDLE && at[w].commit == NONE)
#define IS_NEXT_IDLE(w) (IS_IDLE(w) && (w == 0 || !IS_IDLE(w - 1)) && (w < 2 || !IS_IDLE(w - 2)))

proctype Worker(byte w) {
end:
    do
    /* Redis said yes, rightly or not. take_fence: the UPDATE waits for whoever holds the row. */
#ifdef STALE_READ
    :: atomic { IS_NEXT_IDLE(w) && fence < FENCES ->
        printf("worker %d reads the book in the statement that waits for the fence\n", w);
        at[w].placed = placed; at[w].voided = voided; at[w].phase = WAITING }
    :: atomic { at[w].phase == WAITING && holder == NOBODY && fence < FENCES ->
        fence++;
        printf("worker %d gets fence %d\n", w, fence);
        at[w].fence = fence; at[w].batch = batch; at[w].phase = OWNED }
#else
    :: atomic { IS_NEXT_IDLE(w) && holder == NOBODY && fence < FENCES ->
        fence++;
        if
        :: printf("worker %d takes fence %d\n", w, fence);
            at[w].fence = fence; at[w].batch = batch; at[w].phase = LOADING
        :: printf("fence %d is taken, and nobody hears of it\n", fence)
        fi }

    /* A later statement. It sees all that any older owner left, for that one cannot commit any more. */
    :: atomic { at[w].phase == LOADING ->
        printf("worker %d loads the book\n", w);
        at[w].placed = placed; at[w].voided = voided; at[w].phase = OWNED }
#endif

    /* The lease ran out, was taken, or a broker asked for a hand-over. */
    :: atomic { at[w].phase >= LOADING ->
        printf("worker %d loses its lease\n", w);
        lose(w) }

    /* nextTransaction: one at a time. */
    :: atomic { at[w].phase == OWNED && at[w].commit == NONE ->
        decide(w);
        if
        :: at[w].newPlaced != 0 || at[w].newVoided != 0 ->
            printf("worker %d sends batch %d of fence %d: place %d, void %d\n",
                w, at[w].batch + 1, at[w].fence, at[w].newPlaced, at[w].newVoided);
            send(w);
#ifdef EARLY_YES
            say_yes(w)
#endif
        :: else
        fi }

    /* A key that was answered before, from the book. */
    :: atomic { at[w].phase == OWNED && at[w].placed != 0 ->
        assert((at[w].placed & placed) == at[w].placed) }       /* P3: the order that exists is named again */

    /* "Sold out". `release` asks for a fence check of the last 500 ms, and `hold` for the layer below. */
#ifdef EARLY_NO
    :: atomic { at[w].phase == OWNED && LEFT(at[w].placed | at[w].newPlaced) == 0 && fence == at[w].fence ->
#elif defined(UNCHECKED_NO)
    :: atomic { at[w].phase == OWNED && at[w].commit == NONE && LEFT(at[w].placed) == 0 ->
#else
    :: atomic { at[w].phase == OWNED && at[w].commit == NONE && LEFT(at[w].placed) == 0 && fence == at[w].fence ->
#endif
        printf("worker %d says: sold out\n", w);
        assert(LEFT(placed) == 0) }                             /* P7: "sold out" is true when it was checked */

    /* The answer comes. */
    :: atomic { at[w].commit == SENT && tx[w].state == COMMITTED -> forget(w); settle(w) }

    /* The answer does not come. */
    :: atomic { at[w].commit == SENT && CAN_LOSE(w) ->
        printf("worker %d loses its connection\n", w);
#ifdef TIMEOUT_IS_FAILURE
        lose_connection(w); refuse(w) }
#else
        lose_connection(w); at[w].commit = IN_DOUBT }
#endif

    /* The outcome is found out. */
#ifdef RESEND
    :: atomic { at[w].commit == IN_DOUBT && fence == at[w].fence ->
        printf("worker %d still has its fence, and sends its batch again\n", w);
        at[w].batch = batch; send(w) }
#elif defined(NO_NEW_FENCE)
    :: atomic { at[w].commit == IN_DOUBT && fence == at[w].fence ->
        printf("worker %d looks whether its batch is there\n", w);
        if
        :: batch == at[w].batch + 1 -> settle(w)
        :: else -> take_back(w)
        fi }
#else
    /* renew_fences waits for the old transaction and shuts out every later one, so `batch` tells for good. */
    :: atomic { at[w].commit == IN_DOUBT && fence == at[w].fence && holder == NOBODY && fence < FENCES ->
        fence++;
        if
        :: printf("worker %d renews its fence to %d\n", w, fence);
            if
            :: batch == at[w].batch + 1 -> settle(w)
            :: else -> take_back(w)
            fi;
            if
            :: at[w].phase == OWNED -> at[w].fence = fence
            :: else
            fi
        :: printf("worker %d renews its fence to %d, and does not hear of it\n", w, fence)
        fi }
#endif
    /* No row: somebody else has the partition by now. checkBatch tells how it ended. */
    :: atomic { at[w].commit == IN_DOUBT && fence != at[w].fence ->
        printf("worker %d looks its batch up\n", w);
        stop_serving(w);
        if
        :: author[at[w].batch + 1] == at[w].fence -> say_yes(w)
        :: else -> say_not_executed(w)
        fi;
        end_layer(w); forget_fence(w) }

    /* kill -9 and a new start. */
    :: atomic { (at[w].phase != IDLE || at[w].commit != NONE) && CAN_LOSE(w) ->
        printf("worker %d is killed\n", w);
        lose_connection(w);
        stop_serving(w); end_layer(w); forget_fence(w) }
    od
}

init {
    byte n;
    atomic {
        for (n : 0 .. SESSIONS - 1) { run Backend(n) }
        for (n : 0 .. WORKERS - 1) { run Worker(n) }
    }
}
