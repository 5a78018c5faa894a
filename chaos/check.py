"""Judges an episode of `stampede chaos`. Shares no code with the system.

Reads journal.jsonl and the ledger's CSV files in one folder; writes verdict.json and page.html beside them.

    python3 check.py FOLDER

What each verdict means stands in docs/chaos.md.
"""

import json
import pathlib
import sys

import page
from faults import Measured, expectations, is_disks_fault
from history import SECOND, load
from promises import CLOCK_ERROR, PROMISES, overrun

# A verdict on a system at rest says little: etcd's robustness tests reject such runs, too.
LEAST_RATE = 500
# A limit that is widened by more than this is none.
MOST_ALLOWANCE = {"fast-refusals": 50_000}
USUAL_MOST_ALLOWANCE = SECOND // 4


def checks(history, ledger):
    return [check for promise in PROMISES for check in promise(history, ledger)]


def objections(history, ledger, measured):
    """Why nothing can be concluded from the episode."""
    if history.failures:
        yield from history.failures
    if not ledger.orders:
        yield "the ledger has no order"
    if history.phase("end") is None:
        yield "the episode did not come to its end"
    if history.offset_spread > CLOCK_ERROR:
        yield f"the machine's wall clock was stepped by {history.offset_spread / 1000:.0f} ms"
    if history.left_out:
        yield f"{history.left_out} arrivals were left out: the harness could not keep up"
    most = min((MOST_ALLOWANCE.get(m.expect, USUAL_MOST_ALLOWANCE) for m in measured), default=USUAL_MOST_ALLOWANCE)
    if history.allowance > most:
        yield (
            f"the machine was too busy: its lateness would widen limits of time by {history.allowance / 1000:.0f} ms, "
            f"at most {most / 1000:.0f} ms are allowed"
        )
    ours = [late for late, is_ours in (overrun(history, op) for op in history.all if op.end is not None) if is_ours]
    if max(ours, default=0) > USUAL_MOST_ALLOWANCE:
        yield f"the machine was too busy: the harness heard of an end {max(ours) / 1000:.0f} ms too late to judge it"
    busy_until = 0
    for fault in sorted(measured, key=lambda m: m.begin):
        if fault.begin > busy_until and fault.before < LEAST_RATE:
            yield f"{fault.before:.0f} orders/s before {fault.fault['nemesis']}: at least {LEAST_RATE} are needed"
        # What an earlier fault still holds back is no lack of load.
        back = fault.load_end if fault.full_rate is None else fault.reference + fault.full_rate + 2 * SECOND
        busy_until = max(busy_until, fault.healed + 3 * SECOND, back)
        if fault.expect in ("refusals", "fast-refusals") and not fault.refusals:
            yield f"nobody was refused during {fault.fault['nemesis']} of {fault.fault['targets']}"
        if fault.expect == "no-failures" and any(is_disks_fault(history, op) for op in fault.failures):
            longest = history.stalled(fault.begin - 3 * SECOND, fault.healed + 3 * SECOND)
            yield f"the machine's disk stood still for {longest / 1000:.0f} ms during {fault.fault['nemesis']}"
        # One that met others may have found its victim dead.
        met = any(m is not fault and m.begin < fault.healed and fault.begin < m.healed for m in measured)
        if not fault.fault.get("felt") and not met:
            yield f"{fault.fault['nemesis']} of {fault.fault['targets']} was not felt: {fault.fault.get('evidence')}"


def judge(history, ledger):
    measured = [Measured(fault, history) for fault in history.faults.values()]
    rows = checks(history, ledger) + expectations(history, measured)

    def milliseconds(time):
        return None if time is None else round(time / 1000)

    return {
        "plan": history.episode.get("plan", ""),
        "about": history.episode.get("about", ""),
        "seed": history.episode.get("seed", 0) % (1 << 64),
        "invalid": list(objections(history, ledger, measured)),
        "rows": [vars(row) for row in rows],
        "faults": [
            {
                "nemesis": m.fault["nemesis"],
                "targets": m.fault["targets"],
                "rateBefore": round(m.before),
                "firstSuccess": milliseconds(m.first_success),
                "fullRate": milliseconds(m.full_rate),
                "failed": len(m.failures),
                "requests": m.requests,
                "slowestRefusal": milliseconds(m.slowest_refusal),
                "evidence": m.fault.get("evidence", ""),
                "begin": m.begin,
                "healed": m.healed,
            }
            for m in measured
        ],
        "lateness": milliseconds(history.lateness),
        "requests": len(history.all),
        "orders": len(ledger.orders),
        "unknown": sum(op.how == "unknown" for op in history.all),
    }


def main(folder):
    history, ledger = load(folder)
    verdict = judge(history, ledger)
    (pathlib.Path(folder) / "verdict.json").write_text(json.dumps(verdict, indent=1))
    (pathlib.Path(folder) / "page.html").write_text(page.page(history, verdict))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check.py FOLDER")
    main(sys.argv[1])
