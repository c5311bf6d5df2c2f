"""The page of a run, in Markdown, line by line."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from operator import truediv

from tools.bench.growth import SETTLED, SHAPES, grown
from tools.bench.live_tables import HEADING, live_tables
from tools.bench.measure import Sample
from tools.bench.reasons import why
from tools.bench.report import MOMENTS, Run
from tools.bench.resolved import paired
from tools.bench.subjects import BARE, DEFAULTS, LEDGER, WHOLE
from tools.bench.targets import ENOUGH, FEW, FLOOR, KB, MS, Target

QUIET = 0.5  # load before the run; above it the figures are of the machine's other work too
#: of the sizing table: clinicians at work, and calls each of them causes in a day
CLINICIANS = (50, 500, 5_000)
CALLS_A_DAY = 100
BUSIEST = 0.2  # of a day's calls fall into its busiest hour
DAYS_A_YEAR = 220
BUSY = 0.5  # of a core, so that an answer rarely waits for another


def page(run: Run) -> Iterator[str]:
    """The whole page."""
    told = run.machine
    yield "# Results of a run"
    yield ""
    yield "Made by `make bench`; do not edit. The method: [performance.md](../performance.md)."
    yield ""
    yield (
        f"Commit {told['commit']}, {told['cpu']}, {told['cores']} cores, Python {told['python']};"
        f" load before the run: {told['load']}."
    )
    for warning in _warnings(run):
        yield from ("", f"**{warning}**")
    yield ""
    yield "![p50 over the size of the body, and calls a second over connections](latency.svg)"
    for heading, lines in (
        ("Targets", _targets(run)),
        ("Answers", _answers(run)),
        (HEADING, live_tables(run.live)),
        ("Processes", _processes(run)),
        ("Growth", _growth(run)),
        ("Sizing", _sizing(run)),
    ):
        yield ""
        yield f"## {heading}"
        yield ""
        yield from lines


def _warnings(run: Run) -> Iterator[str]:
    """Why this run must not be taken for more than it is."""
    if run.plan["quick"]:
        yield "A quick run, with a quarter of the rounds: it shows that the benchmark works."
    if run.machine["load"] > QUIET:
        yield f"The machine was busy before the run (load above {QUIET}): nothing here is reliable."
    if run.machine["commit"].endswith("+"):
        yield "The code was not as committed."


def _targets(run: Run) -> Iterator[str]:
    yield "| Target | Measured | Range | Limit | |"
    yield "|---|---|---|---|---|"
    for one in run.targets:
        sign = "at most" if one.at_most else "at least"
        limit = f"{sign} {one.limit:g} {one.unit}".strip()
        measured = f"{one.measured.median:.2f} {one.unit}".strip()
        spread = f"{one.measured.low:.2f} to {one.measured.high:.2f}"
        known = "-" if one.measured.low == one.measured.high else spread
        yield f"| {one.name} | {measured} | {known} | {limit} | {_verdict(one, run)} |"
    yield ""
    yield (
        "Of servers compared: the median over the rounds, and the range it lies in (95%, or all of"
        " fewer than nine rounds). A limit within the range is not resolved: this run cannot tell."
    )


def _verdict(target: Target, run: Run) -> str:
    if target.met is None:
        return "not resolved"
    return "met" if target.met else f"**missed**: {why(target, run)}"


def _answers(run: Run) -> Iterator[str]:
    yield (
        "| Body | Relevant of all resources | Connections | Server | p50 ms | p95 ms | p99 ms"
        " | Calls a second | CPU ms a call | p50 over the floor's | Refused |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for one in run.samples:
        words = ", new words" if one.new else ""
        yield (
            f"| {one.asked // KB:,} kB{words} | {one.relevant} of {one.resources:,} |"
            f" {one.connections} | {one.subject} | {_figures(one, run)} |"
        )
    yield ""
    yield (
        "Of answers 200 alone; p99 of at least"
        f" {ENOUGH} of them. *New words*: no text of the padding was in any call before, so that"
        " what is remembered of codes and texts does not help. All other bodies repeat theirs, as"
        " the charts of one clinic do; the targets are for these."
    )
    yield ""
    yield (
        f"*{DEFAULTS}*: started just as `cds-service serve` is, which sheds what is more than it"
        " works on (503). The others take 31 calls in each process, and wait for the database for"
        " 5 s, so that none is refused."
    )
    yield ""
    busiest = max((one.share() for one in run.samples), default=0.0)
    yield f"The load generator was busy for at most {busiest:.0%} of one core."
    if run.recorded[0]:
        yield f"Calls answered with a ledger: {run.recorded[0]:,}; on record: {run.recorded[1]:,}."


def _figures(one: Sample, run: Run) -> str:
    if not one.latencies:
        return f"{one.fault or 'none was answered'} | - | - | - | - | - | {_refusals(one)}"
    floor = run.figures.of(FLOOR, one.asked, one.relevant, one.connections, new=one.new)
    alternated = floor and one.subject != DEFAULTS and not one.fault
    ratio = f"{paired(one.medians(), floor.medians(), truediv).median:.2f}" if alternated else "-"
    times = [f"{one.percentile(p) * MS:.2f}" for p in (0.5, 0.95, 0.99)]
    if len(one.latencies) < ENOUGH:
        times[-1] = "-"
    cost = one.cost()
    spent = "-" if cost is None else f"{cost * MS:.2f}"
    told = [*times, f"{one.rate():,.0f}", spent, ratio, one.fault or _refusals(one)]
    return " | ".join(told)


def _refusals(one: Sample) -> str:
    if not one.refused():
        return "-"
    statuses = ", ".join(str(status) for status in sorted(one.statuses) if status != 200)  # noqa: PLR2004
    return f"{one.refused():.0%} ({statuses})" if statuses else "-"


def _processes(run: Run) -> Iterator[str]:
    yield f"| Server | Start-up s | {' | '.join(f'MB, {when}' for when in MOMENTS)} |"
    yield f"|---|---{'|---' * len(MOMENTS)}|"
    for name, seconds in run.started.items():
        sizes = run.memory.get(name, {})
        told = " | ".join(_largest(sizes.get(when, ())) for when in MOMENTS)
        yield f"| {name} | {statistics.median(seconds):.2f} | {told} |"
    yield ""
    yield "Start-up: the median, each started alone. MB: of the largest worker."
    yield "The target is for bodies up to 100 kB."
    if run.decide is not None:
        yield ""
        yield f"`decide()` with 20 relevant resources, facts read: {run.decide * MS:.2f} ms."


def _largest(workers: Sequence[Mapping[str, float]]) -> str:
    sizes = [worker["resident"] for worker in workers]
    return f"{max(sizes):.0f}" if sizes else "-"


def _growth(run: Run) -> Iterator[str]:
    if not run.growth:
        yield "Not measured in this run (`make bench ARGS='--growth 100000'`)."
        return
    bodies = " and ".join(f"{size // KB} kB" for size, _ in SHAPES)
    yield (
        f"Memory of the largest worker of a fresh server with ledger and tokens, {bodies} in turns,"
        " 8 connections; each call of another patient and with words of its own."
    )
    yield ""
    yield f"| Calls | {' | '.join(f'{calls:,}' for calls, _, _ in run.growth)} |"
    yield "|---" * (len(run.growth) + 1) + "|"
    yield f"| MB | {' | '.join(f'{size:.0f}' for _, _, size in run.growth)} |"
    if grown(run.growth) is None:
        yield ""
        yield f"Too short to tell: tokens and words fill memories for some {SETTLED} s."


# --- sizing ---


def _sizing(run: Run) -> Iterator[str]:
    shown = [
        sample
        for name in (BARE, LEDGER, WHOLE)
        if (sample := run.figures.of(name, 100 * KB, FEW, connections=8)) and sample.cost()
    ]
    if not shown or not run.footprint:
        yield "Not measured in this run."
        return
    yield "100 kB, 5 relevant resources, 8 connections, by processor time:"
    yield ""
    yield "| Server | CPU ms a call | Calls a second on one core |"
    yield "|---|---|---|"
    for one in shown:
        cost = one.cost() or float("nan")
        yield f"| {one.subject} | {cost * MS:.2f} | {1 / cost:,.0f} |"
    yield ""
    yield from _one_call(run.footprint)
    yield ""
    yield from _clinicians(run, shown[-1])


def _one_call(found: Mapping[str, float]) -> Iterator[str]:
    yield "One call with a token, in the database:"
    yield ""
    yield f"- transactions that read: {found['reads']:.1f}"
    yield f"- transactions that write: {found['writes']:.1f} (the used token; the record)"
    yield f"- rows kept: {found['rows']:.1f}"
    yield f"- bytes kept, indexes included: {found['bytes']:,.0f}"


def _clinicians(run: Run, whole: Sample) -> Iterator[str]:
    cost = whole.cost() or float("nan")
    yield (
        f"What so many clinicians at work need, if each causes {CALLS_A_DAY} calls a day on"
        f" {DAYS_A_YEAR} days a year, {BUSIEST:.0%} of them in the busiest hour, and a core is kept"
        f" to {BUSY:.0%}:"
    )
    yield ""
    yield "| Clinicians | Calls a second, busiest hour | Cores | Writes a second | GB a year |"
    yield "|---|---|---|---|---|"
    for number in CLINICIANS:
        rate = number * CALLS_A_DAY * BUSIEST / 3600
        kept = number * CALLS_A_DAY * DAYS_A_YEAR * run.footprint["bytes"] / 1e9
        yield (
            f"| {number:,} | {rate:.1f} | {rate * cost / BUSY:.2f} |"
            f" {rate * run.footprint['writes']:.1f} | {kept:.1f} |"
        )
