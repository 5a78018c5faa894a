"""One page per episode, complete in itself: throughput, latency and faults on one time line, and the verdict."""

import html
import json
import math

SECOND = 1_000_000
STEP = SECOND // 4
WIDTH, LEFT, RIGHT = 1100, 64, 12
ORDERING = {"place", "repeat", "many"}


def page(history, verdict):
    begin = history.phase("clean") or 0
    end = max(history.phase("quiet") or 0, begin + SECOND)
    scale = Scale(begin, end)
    buckets = collect(history, begin, end)
    worst = verdict_word(verdict)
    body = [
        f"<h1>{text(verdict['plan'])} <span class={worst.lower()}>{worst}</span></h1>",
        f"<p>{text(verdict['about'])}</p>",
        f"<p class=dim>Seed {verdict['seed']}. {verdict['requests']:,} requests, {verdict['orders']:,} orders, "
        f"{verdict['unknown']:,} outcomes unknown at first. One call in a hundred began more than "
        f"{verdict['lateness']:,} ms late, because the machine was busy.</p>",
        "".join(f"<p class=broken>Proves nothing: {text(why)}</p>" for why in verdict["invalid"]),
        "<figure><figcaption>Answers a second: <b class=ok>yes</b>, <b class=no>no by the sale</b>, "
        "<b class=failed>failed</b></figcaption>",
        throughput(buckets, scale, history),
        "</figure><figure><figcaption>Latency from the intended start, ms: <b class=ok>median</b>, <b class=failed>99 %</b></figcaption>",
        latency(buckets, scale),
        "</figure><figure><figcaption>Faults</figcaption>",
        faults(verdict, scale),
        "</figure>",
        table_of_faults(verdict),
        table_of_promises(verdict),
    ]
    return (
        PAGE.replace("{title}", text(verdict["plan"]))
        .replace("{body}", "\n".join(body))
        .replace("{data}", json.dumps([bucket.summary(begin) for bucket in buckets]))
        .replace("{geometry}", json.dumps({"left": LEFT, "width": WIDTH - LEFT - RIGHT, "count": len(buckets)}))
    )


def text(value):
    return html.escape(str(value))


def verdict_word(verdict):
    if any(row["violations"] for row in verdict["rows"]):
        return "BROKEN"
    return "INVALID" if verdict["invalid"] else "KEPT"


class Scale:
    def __init__(self, begin, end):
        self.begin, self.end = begin, end

    def x(self, moment):
        share = (min(max(moment, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        seconds = (self.end - self.begin) / SECOND
        step = next(s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600) if seconds / s <= 16)
        return [self.begin + s * step * SECOND for s in range(int(seconds // step) + 1)]


class Bucket:
    def __init__(self, moment):
        self.moment, self.ok, self.no, self.failed, self.times = moment, 0, 0, 0, []

    def quantile(self, share):
        times = self.times
        return times[min(len(times) - 1, int(share * len(times)))] / 1000 if times else None

    def summary(self, begin):
        return [
            round((self.moment - begin) / SECOND, 2), self.ok * SECOND // STEP, self.no * SECOND // STEP,
            self.failed * SECOND // STEP, self.quantile(0.5), self.quantile(0.99),
        ]  # fmt: skip


def collect(history, begin, end):
    buckets = [Bucket(moment) for moment in range(begin, end, STEP)]
    for op in history.load:
        if op.end is None or not begin <= op.end < end or op.call not in ORDERING:
            continue
        bucket = buckets[(op.end - begin) // STEP]
        if op.how == "ok":
            bucket.ok += 1
        elif op.has_failed:
            bucket.failed += 1
        else:
            bucket.no += 1
        bucket.times.append(max(0, op.end - op.intended))
    for bucket in buckets:
        bucket.times.sort()
    return buckets


def frame(height, scale, labels, content):
    grid = [
        f"<line x1={LEFT} x2={WIDTH - RIGHT} y1={y:.1f} y2={y:.1f} class=grid /><text x={LEFT - 8} y={y + 4:.1f} class=side>{label}</text>"
        for y, label in labels
    ]
    ticks = [f"<text x={scale.x(t):.1f} y={height - 4} class=tick>{(t - scale.begin) / SECOND:g} s</text>" for t in scale.ticks()]
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role=img>{"".join(grid)}{content}{"".join(ticks)}'
        f"<line class=cursor y1=0 y2={height - 18} x1=-9 x2=-9 /></svg>"
    )


def nice(most):
    power = 10 ** math.floor(math.log10(max(1, most)))
    return next(power * f for f in (1, 2, 2.5, 5, 10) if power * f >= most)


def throughput(buckets, scale, history):
    height, top = 220, 10
    rates = [[count * SECOND / STEP for count in (b.ok, b.no, b.failed)] for b in buckets]
    most = nice(max((sum(r) for r in rates), default=1))

    def y(value):
        return height - 22 - value / most * (height - 22 - top)

    areas, low = [], [0.0] * len(buckets)
    for index, name in enumerate(("ok", "no", "failed")):
        high = [base + rate[index] for base, rate in zip(low, rates, strict=True)]
        points = [f"{scale.x(b.moment + STEP / 2):.1f},{y(v):.1f}" for b, v in zip(buckets, high, strict=True)]
        back = [f"{scale.x(b.moment + STEP / 2):.1f},{y(v):.1f}" for b, v in zip(buckets, low, strict=True)]
        areas.append(f'<polygon class="area {name}" points="{" ".join(points + back[::-1])}" />')
        low = high
    phases = [
        f"<line class=phase x1={scale.x(t):.1f} x2={scale.x(t):.1f} y1={top} y2={height - 22} />"
        f"<text class=phase x={scale.x(t) + 4:.1f} y={top + 10}>{text(name)}</text>"
        for name, t in history.phases
        if scale.begin <= t <= scale.end and name in ("faults", "healed")
    ]
    labels = [(y(most * share), f"{most * share:,.0f}") for share in (0, 0.5, 1)]
    return frame(height, scale, labels, "".join(areas + phases))


def latency(buckets, scale):
    height, top, floor, ceiling = 180, 10, 0.5, 10_000

    def y(value):
        share = math.log(min(max(value, floor), ceiling) / floor) / math.log(ceiling / floor)
        return height - 22 - share * (height - 22 - top)

    lines = []
    for share, name in ((0.5, "ok"), (0.99, "failed")):
        path, isOn = [], False
        for bucket in buckets:
            value = bucket.quantile(share)
            if value is not None:
                path.append(f"{'L' if isOn else 'M'}{scale.x(bucket.moment + STEP / 2):.1f} {y(value):.1f}")
            isOn = value is not None
        lines.append(f'<path class="line {name}" d="{" ".join(path)}" />')
    labels = [(y(value), f"{value:,}") for value in (1, 10, 100, 1_000, 10_000)]
    return frame(height, scale, labels, "".join(lines))


def faults(verdict, scale):
    row = 24
    height = row * max(1, len(verdict["faults"])) + 24
    bars = []
    for index, fault in enumerate(verdict["faults"]):
        x, end = scale.x(fault["begin"]), scale.x(fault["healed"])
        label = f"{fault['nemesis']}: {fault['targets']}"
        isLate = x > WIDTH * 0.6
        bars.append(
            f"<rect class=fault x={x:.1f} y={index * row + 4} width={max(3, end - x):.1f} height={row - 8} rx=3 />"
            f"<text x={x - 6 if isLate else max(end, x + 3) + 6:.1f} y={index * row + 17} "
            f"class={'side' if isLate else 'label'}>{text(label)}</text>"
        )
    return frame(height, scale, [], "".join(bars))


def table_of_faults(verdict):
    def ms(value):
        return "–" if value is None else f"{value:,} ms"

    rows = [
        f"<tr><td>{text(f['nemesis'])}<td>{text(f['targets'])}<td class=n>{f['rateBefore']:,}<td class=n>"
        f"{ms(f['firstSuccess'])}<td class=n>{ms(f['fullRate'])}<td class=n>{f['failed']:,} of {f['requests']:,}"
        f"<td class=n>{ms(f['slowestRefusal'])}<td>{text(f['evidence'])}"
        for f in verdict["faults"]
    ]
    return (
        "<table><tr><th>Fault<th>Target<th>Orders/s before<th>First success<th>90 % of the rate<th>Failed"
        f"<th>Slowest refusal<th>What shows that it happened{''.join(rows)}</table>"
    )


def table_of_promises(verdict):
    rows = []
    for row in verdict["rows"]:
        word = f"<b class=broken>{row['violations']} broken</b>" if row["violations"] else "kept" if row["checked"] else "–"
        examples = "".join(f"<br><code>{text(example)}</code>" for example in row["examples"])
        rows.append(f"<tr><td>{text(row['promise'])}<td>{word}<td class=n>{row['checked']:,}<td>{text(row['sentence'])}{examples}")
    return f"<table><tr><th>Promise<th>Verdict<th>Checked<th>What was checked{''.join(rows)}</table>"


PAGE = """<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>Chaos: {title}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2024; --dim: #667; --grid: #dde; --paper: #fff;
  --ok: #2f6fdb; --no: #9aa4b2; --failed: #d9480f; --fault: #8e44ad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --dim: #9aa; --grid: #333a44; --paper: #14171b;
  --ok: #6ea3ff; --no: #5d6673; --failed: #ff8a50; --fault: #c792ea; } }
body { margin: 2rem auto; max-width: 1140px; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
h1 span { font-size: .6em; vertical-align: middle; padding: .1em .5em; border: 1px solid; border-radius: .3em; }
.kept { color: var(--ok); } .broken, .invalid { color: var(--failed); } .dim, figcaption { color: var(--dim); }
figure { margin: 1.2rem 0; } svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--dim); } .side { text-anchor: end; } .tick { text-anchor: middle; }
.grid { stroke: var(--grid); } .phase { stroke: var(--dim); stroke-dasharray: 3 3; } text.phase { stroke: none; }
b.ok { color: var(--ok); } b.no { color: var(--no); } b.failed { color: var(--failed); }
.area.ok { fill: var(--ok); } .area.no { fill: var(--no); } .area.failed { fill: var(--failed); }
.line { fill: none; stroke-width: 1.5; } .line.ok { stroke: var(--ok); } .line.failed { stroke: var(--failed); }
.fault { fill: var(--fault); } .cursor { stroke: var(--ink); opacity: .5; }
table { border-collapse: collapse; margin: 1.5rem 0; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--grid); vertical-align: top; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } code { font-size: 12px; }
#tip { position: fixed; display: none; padding: .3rem .6rem; border: 1px solid var(--grid); border-radius: .3rem;
  background: var(--paper); pointer-events: none; font-size: 13px; white-space: pre; }
</style>
<body>{body}<div id=tip></div>
<script>
const data = {data}, geometry = {geometry}, tip = document.getElementById("tip");
for (const svg of document.querySelectorAll("svg")) {
  svg.addEventListener("mousemove", event => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    const place = Math.floor((x - geometry.left) / geometry.width * geometry.count), at = data[place];
    if (!at) return;
    for (const line of document.querySelectorAll(".cursor")) { line.setAttribute("x1", x); line.setAttribute("x2", x); }
    const ms = value => value === null ? "–" : value.toFixed(1) + " ms";
    tip.textContent = `${at[0]} s\\n${at[1]} yes/s, ${at[2]} no/s, ${at[3]} failed/s\\nmedian ${ms(at[4])}, 99 % ${ms(at[5])}`;
    tip.style.display = "block";
    tip.style.left = Math.min(event.clientX + 14, innerWidth - 240) + "px";
    tip.style.top = event.clientY + 14 + "px";
  });
  svg.addEventListener("mouseleave", () => tip.style.display = "none");
}
</script>
"""
