"""The page of a run, in Markdown, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tools.bench.measure import Sample
from tools.bench.report import MOMENTS, Run
from tools.bench.steps import DECIDE
from tools.bench.subjects import BARE, LEDGER, WHOLE
from tools.bench.targets import FEW, FLOOR, KB, MS, Figures, Target

PROFILE = "[profile.md](profile.md)"
#: where the profile shows why a target is missed, by a word of its name
REASONS = (
    ("memory of a worker after", "'Processes' below: the floor's worker grows with the bodies too"),
    ("decide()", f"the functions for 100 kB in {PROFILE}"),
    ("1,000 kB", f"'prefetch to evidence' and 'evidence to facts' for 1,000 kB in {PROFILE}"),
    ("100 kB, 100", f"'evidence to facts' with 100 relevant resources in {PROFILE}"),
    ("the ledger", f"the ledger's steps in {PROFILE}: most is waiting for the disk"),
    ("authentication", "verifying ES384 takes 0.5 ms; the rest is the used token"),
    ("calls a second", f"the sum of the steps for 100 kB in {PROFILE}"),
    ("p99", "threads of one process share one interpreter, and SQLite has one writer"),
    ("100 kB", f"the steps for 100 kB in {PROFILE}"),
)
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
        f" load before the run: {told.get('load', '-')}."
    )
    yield ""
    yield "![p50 over the size of the body, and calls a second over connections](latency.svg)"
    for heading, lines in (
        ("Targets", _targets(run.targets)),
        ("Answers", _answers(run)),
        ("Processes", _processes(run)),
        ("Growth", _growth(run.growth)),
        ("Sizing", _sizing(run)),
    ):
        yield ""
        yield f"## {heading}"
        yield ""
        yield from lines


def _targets(found: Sequence[Target]) -> Iterator[str]:
    yield "| Target | Measured | Limit | |"
    yield "|---|---|---|---|"
    for one in found:
        sign = "at most" if one.at_most else "at least"
        limit = f"{sign} {one.limit:g} {one.unit}".strip()
        measured = f"{one.measured:.2f} {one.unit}".strip()
        yield f"| {one.name} | {measured} | {limit} | {_verdict(one)} |"


def _verdict(target: Target) -> str:
    if target.met:
        return "met"
    why = next((reason for word, reason in REASONS if word in target.name), "")
    return f"**missed**: {why}" if why else "**missed**"


def _answers(run: Run) -> Iterator[str]:
    yield (
        "| Body | Relevant of all resources | Connections | Server | p50 ms | p95 ms | p99 ms"
        " | Calls a second | CPU ms a call | p50 over the floor's |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    figures = Figures(run.samples)
    for one in run.samples:
        floor = figures.of(FLOOR, one.asked, one.relevant, one.connections)
        ratio = one.percentile(0.5) / floor.percentile(0.5) if floor else float("nan")
        times = " | ".join(f"{one.percentile(p) * MS:.2f}" for p in (0.5, 0.95, 0.99))
        cost = one.cost()
        yield (
            f"| {one.asked // KB:,} kB | {one.relevant} of {one.resources:,} | {one.connections} |"
            f" {one.subject} | {times} | {one.rate():,.0f} |"
            f" {'-' if cost is None else f'{cost * MS:.2f}'} | {ratio:.2f} |"
        )
    yield ""
    busiest = max((one.share() for one in run.samples), default=0.0)
    yield f"The load generator was busy for at most {busiest:.0%} of one core."
    if run.recorded[0]:
        yield f"Calls answered with a ledger: {run.recorded[0]:,}; on record: {run.recorded[1]:,}."


def _processes(run: Run) -> Iterator[str]:
    yield f"| Server | Start-up s | {' | '.join(f'MB, {when}' for when in MOMENTS)} |"
    yield f"|---|---{'|---' * len(MOMENTS)}|"
    for name, seconds in run.started.items():
        sizes = run.memory.get(name, {})
        told = " | ".join(_largest(sizes.get(when, ())) for when in MOMENTS)
        yield f"| {name} | {seconds:.2f} | {told} |"
    yield ""
    yield "MB: of the largest worker. The target is for bodies up to 100 kB."
    if DECIDE in run.steps:
        yield ""
        yield f"`decide()` with 20 relevant resources, facts read: {run.steps[DECIDE] * MS:.2f} ms."


def _largest(workers: Sequence[Mapping[str, float]]) -> str:
    sizes = [worker["resident"] for worker in workers]
    return f"{max(sizes):.0f}" if sizes else "-"


def _growth(points: Sequence[tuple[int, float]]) -> Iterator[str]:
    if not points:
        yield "Not measured in this run (`make bench ARGS='--growth 100000'`)."
        return
    yield "Memory of the largest worker, with ledger and tokens, 10 kB, 8 connections."
    yield ""
    yield f"| Calls | {' | '.join(f'{calls:,}' for calls, _ in points)} |"
    yield "|---" * (len(points) + 1) + "|"
    yield f"| MB | {' | '.join(f'{size:.0f}' for _, size in points)} |"


# --- sizing ---


def _sizing(run: Run) -> Iterator[str]:
    figures = Figures(run.samples)
    shown = [
        sample
        for name in (BARE, LEDGER, WHOLE)
        if (sample := figures.of(name, 100 * KB, FEW, connections=8)) and sample.cost()
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
