"""What each fault did to the load, and whether the plan had expected that."""

from history import BUSINESS, SECOND
from promises import DEADLINE_SLACK, Check

FAST_REFUSAL = 50_000
BACK_AFTER_POSTGRES = 3 * SECOND
# A commit that takes this long looks like a ledger that is down. When the harness's own journal is as slow, the
# machine's disk is to blame.
STALLED_DISK = SECOND // 3


class Measured:
    """What one fault did to the load."""

    def __init__(self, fault, history):
        self.fault = fault
        self.begin = fault["t"]
        self.healed = fault.get("healed", history.phase("healed") or self.begin)
        self.healing = fault.get("healing", self.healed)
        self.before = history.rate(self.begin - 2 * SECOND, self.begin)
        # A commit has to be waited for before its worker can be stopped in the middle of it.
        hit = fault.get("injected", self.begin) if fault["nemesis"] == "pause-in-commit" else self.begin
        self.reference = self.healed if fault.get("from_healing") else hit
        self.load_end = history.phase("quiet") or self.healed
        affected = [op for op in history.load if self.begin <= op.begin < self.healed + 2 * SECOND]
        self.requests = len(affected)
        self.failures = [op for op in affected if op.has_failed]
        self.first_success = self.find_first_success(history)
        self.full_rate = self.find_full_rate(history)
        self.expect = fault["expect"]
        # Leases run out, and breakers open, before the cluster can say what the plan expects of it.
        usual = SECOND + (history.episode["ttl"] if self.expect in ("sales", "refusals") else 0)
        self.steady = self.begin + fault.get("expect_from", usual)
        during = [op for op in history.load if self.steady <= op.begin < self.healing]
        # Only who tries once hears the cluster's own words.
        self.singles = [op for op in during if op.attempts == 1]
        self.orders = [op for op in during if op.call in ("place", "repeat", "many")]
        self.slowest_refusal = max((op.end - op.begin for op in self.singles if is_refusal(op)), default=None)

    @property
    def refusals(self):
        """The answers that the plan expects; without any, nothing was seen of them."""
        if self.expect == "fast-refusals":
            return [op for op in self.singles if is_refusal(op)]
        return [op for op in self.orders if is_refusal(op) and op.end < self.healing]

    def find_first_success(self, history):
        """Until each affected partition has said yes to a new order; the worst of them.

        Looks at the sales that have plenty: the others may be sold out or closed for a while.
        """
        partition_of = {
            op.sale: op.answer["partition"]
            for op in history.creates.values()
            if op.how == "ok" and op.invoke["name"].startswith("plenty")
            and op.answer["partition"] in self.fault["partitions"]
        }  # fmt: skip
        first = {}
        for op in history.load:
            if op.call in ("place", "many") and op.begin >= self.reference and op.sale in partition_of:
                partition = partition_of[op.sale]
                first.setdefault(partition, None)
                if op.how == "ok" and (first[partition] is None or op.end < first[partition]):
                    first[partition] = op.end
        if not first or None in first.values():
            return None
        return max(first.values()) - self.reference

    def find_full_rate(self, history):
        moment = self.reference
        while moment + SECOND <= self.load_end:
            if history.rate(moment, moment + SECOND) >= 0.9 * self.before:
                return moment - self.reference
            moment += SECOND // 10
        return None


def is_refusal(op):
    return op.how == "refused" and op.reason not in BUSINESS


def is_no(op):
    """A definite one: the request was not executed, or the sale has refused it."""
    return op.how == "refused" and (op.reason in BUSINESS or op.answer["certainty"] == "notExecuted")


def is_answer_without_ledger(op, healing):
    """Whether an answer is one that a cluster can give while Postgres is gone.

    A yes to an order is not; a look-up may come from memory, and P2 says how old it may be. Who began just before the
    healing may be answered by a Postgres that is back.
    """
    return is_no(op) or (op.how == "ok" and (op.call == "look" or op.end >= healing))


def is_stop(op, healing, allowance):
    """Whether an order ended as it must while nobody may sell: refused as not executed, or by the sale.

    Nothing reaches a worker then, so no outcome may be unknown, with one exception: a caller who tries again until its
    own deadline cannot tell where its last try was, though every earlier one was refused. Who still waited at the healing
    may be served after it, unless its deadline had passed before.
    """
    if op.end is None or op.end >= healing:
        return op.begin + op.deadline + DEADLINE_SLACK + allowance >= healing
    if op.how == "unknown":
        return op.attempts > 1 and op.answer["status"] == "deadlineExceeded" and op.answer["reason"] == "noOwner"
    return is_no(op)


def is_disks_fault(history, op):
    """Whether the ledger was called unavailable while the machine's disk stood still."""
    end = op.end or op.begin + op.deadline
    return op.reason == "ledgerUnavailable" and history.stalled(op.begin - 3 * SECOND, end + SECOND) > STALLED_DISK


def expectations(history, measured):
    first = Check("recovery", "the first success came in time on every partition that a fault touched")
    back = Check("recovery", "nine tenths of the rate before were back before the load ended")
    zero = Check("hand-over", "not one request failed")
    sales = Check("quorum", "sales went on without a Redis quorum")
    stop = Check("quorum", "every order was refused as not executed without a Redis quorum")
    fast = Check("refusals", "while Postgres was down every single attempt was refused within 50 ms")
    full = Check("refusals", "nine tenths of the rate were back within 3 s of Postgres' accepting connections")
    for fault in measured:
        name = f"{fault.fault['nemesis']} of {fault.fault['targets']}"
        limit = fault.fault.get("recovery")
        if limit is not None:
            first.look()
            if fault.first_success is None or fault.first_success > limit + history.allowance:
                took = "never" if fault.first_success is None else f"{fault.first_success / 1000:.0f} ms"
                first.broken(f"{name}: {took}, the limit is {limit / 1000:.0f} ms")
        back.look()
        if fault.full_rate is None:
            back.broken(f"{name}: the rate before was {fault.before:.0f} orders/s")
        if fault.expect == "no-failures":
            zero.look(fault.requests)
            for op in fault.failures:
                if not is_disks_fault(history, op):
                    zero.broken(f"{name}: {op}")
        elif fault.expect == "sales":
            sales.look()
            rate = history.rate(fault.steady, fault.healing)
            if rate < 0.8 * fault.before:
                sales.broken(f"{name}: {rate:.0f} orders/s, {fault.before:.0f} before")
        elif fault.expect == "refusals":
            stop.look(len(fault.refusals))
            for op in fault.orders:
                if not is_stop(op, fault.healing, history.allowance):
                    stop.broken(f"{name}: {op}")
        elif fault.expect == "fast-refusals":
            fast.look(len(fault.singles))
            for op in fault.singles:
                if op.end is None or op.end - op.begin > FAST_REFUSAL + history.allowance:
                    took = "never" if op.end is None else f"after {(op.end - op.begin) / 1000:.1f} ms"
                    fast.broken(f"{name}: answered {took}: {op}")
                elif not is_answer_without_ledger(op, fault.healing):
                    fast.broken(f"{name}: {op}")
            full.look()
            if fault.full_rate is None or fault.full_rate > BACK_AFTER_POSTGRES + history.allowance:
                full.broken(f"{name}: the full rate was back after {(fault.full_rate or 0) / 1000:.0f} ms")
    expected = {fault.expect for fault in measured}
    rows = [
        (first, first.checked), (back, measured), (zero, "no-failures" in expected), (sales, "sales" in expected),
        (stop, "refusals" in expected), (fast, "fast-refusals" in expected), (full, "fast-refusals" in expected),
    ]  # fmt: skip
    # What was expected and never looked at is shown as such.
    return [check for check, is_wanted in rows if is_wanted]
