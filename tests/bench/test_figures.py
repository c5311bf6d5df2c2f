"""Figures and targets are worked out as the page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import orjson
import pytest
from click.testing import CliRunner

from tools.bench import __main__ as bench
from tools.bench.growth import SETTLED, grown
from tools.bench.live import Live, Seen
from tools.bench.measure import Sample
from tools.bench.reasons import shape, why
from tools.bench.report import FRESH, USUAL, Run
from tools.bench.resolved import Measured, paired
from tools.bench.steps import DECIDE
from tools.bench.stopwatch import Step
from tools.bench.subjects import BARE, LEDGER, PEER, WHOLE
from tools.bench.tables import page
from tools.bench.targets import Figures, Kind, Target, targets

RESULTS = Path(__file__).parents[2] / "docs" / "performance"


def sample(subject: str, milliseconds: list[float], **other: int) -> Sample:
    shape = {"asked": 100_000, "size": 100_000, "relevant": 5, "resources": 9, "connections": 1}
    made = Sample(subject=subject, **{**shape, **other})
    made.latencies = [one / 1000 for one in milliseconds]
    made.rounds = [(len(milliseconds), sum(milliseconds) / 1000)]
    made.statuses = {200: len(milliseconds)}
    return made


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    one = sample("service", [5, 1, 2, 3, 4, 6, 7, 8, 9, 10])
    assert [one.percentile(p) for p in (0, 0.5, 0.95, 1)] == [0.001, 0.006, 0.010, 0.010]


def test_the_rate_is_that_of_the_median_round() -> None:
    one = sample("service", [1])
    one.rounds = [(10, 1.0), (10, 0.1), (10, 10.0)]
    assert one.rate() == 10


@pytest.mark.parametrize(
    ("measured", "at_most", "met"), [(1.6, True, True), (1.61, True, False), (0.64, False, False)]
)
def test_a_target_is_met_up_to_its_limit(measured: float, at_most: bool, met: bool) -> None:
    limit = 1.6 if at_most else 0.65
    assert target(Measured.exactly(measured), limit, at_most=at_most).met is met


def target(measured: Measured, limit: float, *, at_most: bool = True) -> Target:
    kind = Kind.LATENCY
    return Target(kind=kind, name="x", measured=measured, limit=limit, unit="", at_most=at_most)


@pytest.mark.parametrize(
    ("low", "high", "at_most", "met"),
    [
        (1, 2, True, True),
        (1, 3, True, None),
        (2.5, 3, True, False),
        (1, 2, False, None),
        (2, 3, False, True),
        (1, 1.5, False, False),
    ],
)
def test_a_limit_within_the_range_of_what_was_measured_is_not_resolved(
    low: float, high: float, at_most: bool, met: bool | None
) -> None:
    assert target(Measured(low, low, high), 2, at_most=at_most).met is met


def test_servers_are_compared_round_by_round() -> None:
    # the machine slows down in the second round, for both: the difference stays
    one, other = [3.0, 30.0, 3.0], [1.0, 28.0, 1.0]
    assert paired(one, other, lambda a, b: a - b) == Measured(2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("number", "low", "high"), [(1, 0, 0), (5, 0, 4), (8, 0, 7), (10, 1, 8), (20, 5, 14)]
)
def test_the_median_lies_between_two_values_in_19_of_20_runs(
    number: int, low: float, high: float
) -> None:
    found = Measured.of(range(number))  # the tables of the sign test have these ranks, from 1 up
    assert (found.low, found.high) == (low, high)


def test_the_p50_of_a_round_is_that_of_its_own_answers() -> None:
    one = sample("service", [1, 2, 3, 10, 20])
    one.rounds = [(3, 1.0), (2, 1.0)]
    assert one.medians() == [0.002, 0.015]


def test_the_latency_allowed_grows_with_the_relevant_resources() -> None:
    figures = Figures(
        [
            sample(who, [time], relevant=n)
            for n in (5, 20, 100)
            for who, time in (("floor", 1.0), ("service", 3.0))
        ]
    )
    found = {one.limit: one for one in targets(figures, "service", "service", "service")}
    assert [round(limit, 2) for limit in found if found[limit].name.startswith("p50 above")] == [
        1.6,
        3.4,
        13.0,
    ]
    assert found[1.6].measured.median == pytest.approx(2.0)
    assert not found[1.6].met


def test_a_cost_that_grows_as_the_body_has_slope_one() -> None:
    sizes = (10_000, 100_000, 1_000_000)
    samples = [sample("service", [n / 1000], size=n, asked=n) for n in sizes]
    found = list(targets(Figures(samples), "service", "service", "service"))
    slopes = [one.measured.median for one in found if one.kind is Kind.SLOPE]
    assert slopes == [pytest.approx(1.0), pytest.approx(1.0)]


@pytest.mark.parametrize(
    ("parsed", "told"),
    [
        (16.0, "the floor's is 1.20, of what is above it 1.08"),
        (10.0, "not explained by the profile (the floor's is 1.00, of what is above it 1.18)"),
    ],
)
def test_a_slope_is_explained_where_the_floor_is_steeper(parsed: float, told: str) -> None:
    """From 100 kB to 1 MB the service takes 13 times as long."""
    sizes = (10_000, 100_000, 1_000_000)
    times = {"floor": (0.1, 1.0, parsed), LEDGER: (1.0, 3.0, 40.0)}
    made = [
        sample(name, [one / 1000], size=size, asked=size)
        for name, each in times.items()
        for size, one in zip(sizes, each, strict=True)
    ]
    *_, steepest = (
        one for one in targets(Figures(made), LEDGER, LEDGER, LEDGER) if one.kind is Kind.SLOPE
    )
    assert steepest.met is False
    assert why(steepest, replace(run(), samples=made)) == told


def test_a_cost_that_explodes_at_the_end_is_seen() -> None:
    times = {10_000: 1, 100_000: 1.2, 1_000_000: 2, 10_000_000: 100}
    samples = [sample("service", [ms], size=n, asked=n) for n, ms in times.items()]
    found = list(targets(Figures(samples), "service", "service", "service"))
    whole, steepest = (one for one in found if one.kind is Kind.SLOPE)
    assert whole.met
    assert not steepest.met
    assert steepest.measured.median == pytest.approx(1.7, abs=0.01)


def test_the_worst_spread_of_all_bodies_counts_too() -> None:
    samples = [
        sample("service", [1.0] * 300, connections=8),
        sample("service", [1.0] * 290 + [9.0] * 10, connections=8, relevant=20),
        sample("service", [1.0, 50.0], connections=8, relevant=100),  # too few for a p99
    ]
    for one in samples:
        one.cpu = [0.1]
    usual, worst = targets(Figures(samples), "service", "service", "service")
    assert (usual.measured.median, worst.measured.median) == (1, 9)
    assert worst.name.endswith("of 2: 100 kB, 20 relevant, service")


def points(*sizes: float, seconds: float = 30.0) -> list[tuple[int, float, float]]:
    return [(1000 * n, n * seconds, mb) for n, mb in enumerate(sizes)]


def test_memory_grows_only_if_it_does_so_once_its_memories_are_full() -> None:
    filling = (80, 90, 99)  # tokens and words
    assert grown(points(*filling, *[100] * 12)) == Measured(0, 0, 0)
    assert grown(points(*filling, *range(100, 112))).median == 9
    assert grown(points(80, 90, 95, 99, 100)) is None  # too few points
    assert grown(points(*[100] * 16, seconds=SETTLED / 17)) is None  # too short
    assert grown([]) is None


def seen(
    subject: str,
    milliseconds: dict[Step, float],
    connections: int = 1,
    slow: Mapping[Step, float] = MappingProxyType({}),
) -> Live:
    """Of 100 kB with 5 relevant resources; each step takes as long by the clock as of the CPU."""
    client = Seen(mean=0.004, p50=0.001 if subject == "floor" else 0.004, cpu=0.005)
    return Live(
        subject=subject,
        size=100_000,
        relevant=5,
        connections=connections,
        calls=100,
        steps={step.told: (milliseconds.get(step, 0.0) / 1000,) * 2 for step in Step},
        apart={
            step.told: (milliseconds.get(step, 0.0) / 1000, slow.get(step, 0.0) / 1000)
            for step in Step
        },
        timed=client,
        plain=client,
        added=Measured(0.0002, 0.0001, 0.0003),
    )


FLOOR_STEPS = {Step.JSON: 0.3, Step.FLASK: 0.5, Step.AFTER: 0.1, Step.LOOP: 0.1}
BARE_STEPS = FLOOR_STEPS | {Step.JSON: 0.6, Step.RULES: 0.5, Step.CARDS: 0.2}
LEDGER_STEPS = BARE_STEPS | {Step.RECORD_COMMIT: 0.9, Step.AFTER: 0.7}
WHOLE_STEPS = LEDGER_STEPS | {Step.TOKEN: 0.6, Step.FLASK: 0.75}


def run() -> Run:
    samples = [
        sample("floor", [1.0]),
        sample(LEDGER, [2.5]),
        sample(WHOLE, [4.0]),
        sample(WHOLE, [9.0], connections=8),
    ]
    for one in samples:
        one.cpu, one.generator = [0.002], [0.0001]
    return Run(
        machine={"commit": "abc", "cpu": "x", "cores": 2, "python": "3.11", "load": 0.1},
        plan={"quick": False},
        samples=samples,
        started={WHOLE: [0.5, 0.6, 0.4], LEDGER: [0.5]},
        memory={WHOLE: {FRESH: [{"resident": 40.0}], USUAL: [{"resident": 60.0}]}},
        steps={shape(100_000, 20): {DECIDE: 0.0015}},
        beside={"start": {"a": 0.5}},
        live=[
            seen("floor", FLOOR_STEPS),
            seen(BARE, BARE_STEPS),
            seen(LEDGER, LEDGER_STEPS),
            seen(WHOLE, WHOLE_STEPS),
        ],
        footprint={"reads": 1.0, "writes": 2.0, "rows": 4.0, "bytes": 2000.0},
        growth=points(50, 60, 60, 60, 60, 60, 61, 61, 62, 62, 62),
        recorded=(10, 10),
    )


def test_a_missed_target_is_said_to_be_missed_and_where_one_sees_why() -> None:
    told = "\n".join(page(run()))
    name = f"p50 above the floor, 100 kB, 5 relevant resources, {WHOLE}"
    assert (  # no one waits for what is done after the answer
        f"| {name} | 3.00 ms | - | at most 2.8 ms | **missed**: record: commit 0.90, token verified"
        " 0.60, the rules 0.50, bytes to JSON 0.30 (2.30 ms together); all steps 2.75 of 3.00 ms,"
        " [in the running server](#in-the-running-server) |" in told
    )
    assert "100 kB, 5 relevant resources, with ledger | 1.50 ms | - | at most 1.6 ms | met" in told
    assert "| start-up | 0.50 s | 0.40 to 0.60 | at most 1.5 s | met |" in told
    assert "| 1.50 ms | - | at most 1 ms | **missed**: the functions: 1.50 of" in told  # decide()


def test_what_the_steps_do_not_account_for_is_said_to_be_unexplained() -> None:
    made = run()
    made.samples[2] = sample(WHOLE, [9.0])
    told = "\n".join(page(made))
    assert "**missed**: not explained by the profile (record: commit 0.90, token" in told
    assert (
        "all steps 2.75 of 8.00 ms, [in the running server](#in-the-running-server); the client"
        " measured, while they were timed, 3.00 ms) |" in told
    )
    # timed while the machine was busy
    made.live[3] = seen(WHOLE, WHOLE_STEPS | {Step.RECORD_COMMIT: 10})
    told = "\n".join(page(made))
    assert "**missed**: not explained by the profile (record: commit 10.00, token" in told
    assert "all steps 11.85 of 8.00 ms" in told


def test_a_run_without_running_servers_explains_no_call() -> None:
    told = "\n".join(page(replace(run(), live=())))
    assert (
        "| at most 2.8 ms | **missed**: not explained by the profile: its steps in the running"
        " server are not in this run |" in told
    )
    assert "## In the running server\n\nNot in this run.\n" in told


def missed(kind: Kind, measured: float, subject: str, over: str = "floor") -> Target:
    at_most = kind is not Kind.THROUGHPUT
    return Target(
        kind=kind,
        name="x",
        measured=Measured.exactly(measured),
        limit=1.0,
        unit="ms",
        at_most=at_most,
        of=(subject, 100_000, 5),
        over=over,
    )


def test_what_the_ledger_and_a_token_add_is_told_by_the_steps_above_those_without() -> None:
    told = why(missed(Kind.LEDGER, 1.0, LEDGER, BARE), run())
    assert told.startswith("record: commit 0.90, ")
    assert "all steps 0.90 of 1.00 ms" in told
    told = why(missed(Kind.TOKEN, 1.0, WHOLE, LEDGER), run())
    assert told.startswith("token verified 0.60, Flask and the rest of the application 0.25, ")
    assert "all steps 0.85 of 1.00 ms" in told


def test_a_ratio_is_explained_by_what_is_above_the_floor_not_by_the_floor() -> None:
    told = why(missed(Kind.RATIO, 2.9, LEDGER), run())
    assert "all steps would give 2.90 x" in told  # 1.9 ms above the floor's 1 ms
    assert not told.startswith("not explained")
    # 2.9 is more than four fifths of 3.5; 1.9 is less than that of 2.5
    told = why(missed(Kind.RATIO, 3.5, LEDGER), run())
    assert told.startswith("not explained")
    assert told.endswith("the client measured, while they were timed, 4.00 x)")


def test_calls_a_second_follow_from_how_long_each_takes() -> None:
    made = replace(
        run(), live=[seen("floor", FLOOR_STEPS, 8), seen(LEDGER, LEDGER_STEPS, connections=8)]
    )
    told = why(missed(Kind.THROUGHPUT, 0.3, LEDGER), made)
    assert told.startswith(  # no client waits for what is done after the answer
        "a call takes 2.70 ms by the clock, the floor's 0.80; of processor time 3.50 and 1.00."
        " Above it by the clock: record: commit 0.90, the rules 0.50, "
    )
    assert "all steps would give 0.34" in told  # 1.9 ms above the 1 ms that the floor's client saw
    assert why(missed(Kind.THROUGHPUT, 0.1, LEDGER), made).startswith("not explained")


def test_slow_calls_are_explained_by_what_they_wait_for_longer_than_usual_ones() -> None:
    slow = LEDGER_STEPS | {Step.RECORD_BEGIN: 18.0, Step.RULES: 0.8}
    live = [seen("floor", FLOOR_STEPS, 8), seen(LEDGER, LEDGER_STEPS, 8, slow)]
    made = replace(run(), live=live)
    told = why(missed(Kind.SPREAD, 6.0, LEDGER), made)
    assert told.startswith(
        "slow calls beside usual ones: record: turn and begin 18.00, the rules 0.30, "
    )
    assert "all steps would give 6.23 x" in told  # 3.5 ms and 21.8
    assert why(missed(Kind.SPREAD, 9.0, LEDGER), made).startswith("not explained")
    page_told = "\n".join(page(made))
    assert "| record: turn and begin | 0.00 | 0.00 | 0.00 | 18.00 |" in page_told
    # of a body whose servers were not timed
    assert "are not in this run" in why(missed(Kind.SPREAD, 6.0, BARE), made)


def test_the_page_shows_the_steps_of_running_servers() -> None:
    told = "\n".join(page(replace(run(), live=run().live[::3])))
    section = told.partition("## In the running server")[2].partition("\n## ")[0]
    for line in (
        "### 100 kB, 5 relevant, 1 connection",
        f"| Step | floor: ms | CPU ms | {WHOLE}: ms | CPU ms |",
        "|---|---|---|---|---|",
        "| token verified | - | - | 0.60 | 0.60 |",
        "| after the answer | (0.10) | 0.10 | (0.70) | 0.70 |",
        "| **all steps** | **0.80** | **1.00** | **3.55** | **4.35** |",
        "| the client's mean, and the processes' CPU | 4.00 | 5.00 | 4.00 | 5.00 |",
    ):
        assert f"\n{line}\n" in section
    assert "0.45 | 0.65 |\n| the client's mean" in section  # left: 4 - 3.55, and 5 - 4.35
    assert "history" not in section  # of no server here


def test_the_page_tells_of_answers_processes_and_growth() -> None:
    told = "\n".join(page(run()))
    assert f"| 100 kB | 5 of 9 | 1 | {LEDGER} | 2.50 | 2.50 | - | 400 | 2.00 | 2.50 | - |" in told
    assert f"| {WHOLE} | 0.50 | 40 | 60 | - |" in told
    assert "2.00 MB | - | at most 5 MB | met |" in told  # from 60 to 62
    assert "Calls answered with a ledger: 10; on record: 10." in told
    assert "on record and not answered | 0.00 calls | - | at most 0 calls | met |" in told
    assert "**" not in told.partition("## Targets")[0]


def test_calls_that_are_not_on_record_are_a_target_missed() -> None:
    made = replace(run(), recorded=(10, 9))
    assert "| 1.00 calls | - | at most 0 calls | **missed**" in "\n".join(page(made))


def test_a_p99_needs_200_answers() -> None:
    made = run()
    made.samples.append(sample(WHOLE, [7.0] * 200, connections=32))
    assert "| 7.00 | 7.00 | 7.00 |" in "\n".join(page(made))


def test_the_page_warns_of_a_run_that_shows_little() -> None:
    machine = {**run().machine, "load": 0.6, "commit": "abc+"}
    head = "\n".join(page(replace(run(), machine=machine, plan={"quick": True})))
    for warning in ("**A quick run", "**The machine was busy", "**The code was not as committed"):
        assert warning in head.partition("## Targets")[0]


def test_new_words_stand_beside_the_usual_ones_and_change_no_target() -> None:
    made = run()
    before = made.targets
    made.samples.append(sample(WHOLE, [50.0], new=True))
    assert made.targets == before
    assert f"| 100 kB, new words | 5 of 9 | 1 | {WHOLE} | 50.00 |" in "\n".join(page(made))


def test_what_a_peer_fails_at_is_a_cell_of_the_table() -> None:
    made = run()
    refusing, broken = sample(PEER, []), sample(PEER, [], connections=8)
    refusing.statuses, refusing.rounds = {500: 30, 200: 0}, [(0, 1.0)]
    broken.rounds, broken.fault = [], "ConnectionRefusedError: nobody"
    late = sample(PEER, [4.0, 5.0], connections=32)
    late.rounds, late.fault = [(1, 1.0), (1, 1.0)], "ConnectionResetError: gone"
    floor = sample("floor", [1.0], connections=32)
    made.samples.extend([refusing, broken, late, floor])
    told = "\n".join(page(made))
    assert f"| 1 | {PEER} | none was answered | - | - | - | - | - | 100% (500) |" in told
    assert f"| 32 | {PEER} | 5.00 | 5.00 | - | 1 | - | - | ConnectionResetError: gone |" in told
    assert f"| 8 | {PEER} | ConnectionRefusedError: nobody | - | - | - | - | - | - |" in told


def test_the_sizing_follows_from_what_was_measured() -> None:
    told = "\n".join(page(run()))
    assert f"| {WHOLE} | 2.00 | 500 |" in told
    # 500 clinicians, 20 calls in the busiest hour: 2.8 a second, of 2 ms, on cores half busy;
    # 100 calls on 220 days, and 2 kB kept of each
    assert "| 500 | 2.8 | 0.01 | 5.6 | 22.0 |" in told


def test_a_run_read_from_its_file_makes_the_same_page() -> None:
    written = orjson.dumps(run().as_json(), option=orjson.OPT_NON_STR_KEYS)
    assert list(page(Run.from_json(orjson.loads(written)))) == list(page(run()))


def test_a_quick_run_does_not_replace_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, tried = tmp_path / "kept", tmp_path / "tried"
    monkeypatch.setattr(bench, "OUT", kept)
    monkeypatch.setattr(bench, "QUICK", tried)
    monkeypatch.setattr(bench.report, "plot", lambda *_: None)
    monkeypatch.setattr(bench, "_run", lambda _, options: replace(run(), plan=options.as_json()))
    told = CliRunner().invoke(bench.main, ["--quick"]).output
    assert "**A quick run" in told
    assert not kept.exists()
    shapes = orjson.loads((tried / "results.json").read_bytes())["plan"]["shapes"]
    assert {"size": 100_000, "relevant": 20, "connections": 1, "rounds": 4, "each": 40} in [
        {name: value for name, value in one.items() if name != "new"} for one in shapes
    ]
    CliRunner().invoke(bench.main, [])
    assert "**A quick run" not in (kept / "results.md").read_text("utf-8")


@pytest.mark.skipif(not (RESULTS / "results.json").exists(), reason="no run yet")
def test_the_page_in_the_documents_is_that_of_the_samples_beside_it() -> None:
    made = Run.from_json(orjson.loads((RESULTS / "results.json").read_bytes()))
    assert (RESULTS / "results.md").read_text(encoding="utf-8") == "\n".join(page(made)) + "\n"
