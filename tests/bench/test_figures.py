"""Figures and targets are worked out as the page says."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tools.bench.measure import Sample
from tools.bench.report import FRESH, USUAL, Run
from tools.bench.steps import DECIDE
from tools.bench.subjects import LEDGER, WHOLE
from tools.bench.tables import page
from tools.bench.targets import Figures, Target, targets

RESULTS = Path(__file__).parents[2] / "docs" / "performance"


def sample(subject: str, milliseconds: list[float], **other: int) -> Sample:
    shape = {"asked": 100_000, "size": 100_000, "relevant": 5, "resources": 9, "connections": 1}
    made = Sample(subject=subject, **{**shape, **other})
    made.latencies = [one / 1000 for one in milliseconds]
    made.rounds = [(len(milliseconds), sum(milliseconds) / 1000)]
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
    assert Target(name="x", measured=measured, limit=limit, unit="", at_most=at_most).met is met


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
    assert found[1.6].measured == pytest.approx(2.0)
    assert not found[1.6].met


def test_a_cost_that_grows_as_the_body_has_slope_one() -> None:
    sizes = (10_000, 100_000, 1_000_000)
    samples = [sample("service", [n / 1000], size=n, asked=n) for n in sizes]
    found = list(targets(Figures(samples), "service", "service", "service"))
    slope = next(one for one in found if "slope" in one.name)
    assert slope.measured == pytest.approx(1.0)


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
        machine={"commit": "abc", "cpu": "x", "cores": 2, "python": "3.11"},
        samples=samples,
        started={WHOLE: 0.5},
        memory={WHOLE: {FRESH: [{"resident": 40.0}], USUAL: [{"resident": 60.0}]}},
        steps={DECIDE: 0.0015},
        footprint={"reads": 1.0, "writes": 2.0, "rows": 4.0, "bytes": 2000.0},
        growth=[(0, 50.0), (1, 60.0), (2, 61.0), (3, 61.0), (4, 62.0)],
        recorded=(10, 10),
    )


def test_a_missed_target_is_said_to_be_missed_and_where_one_sees_why() -> None:
    told = "\n".join(page(run()))
    name = f"p50 above the floor, 100 kB, 5 relevant resources, {WHOLE}"
    assert f"| {name} | 3.00 ms | at most 2.8 ms | **missed**: the steps for 100 kB" in told
    assert "| p50 above the floor, 100 kB, 5 relevant resources, with ledger | 1.50 ms |" in told
    assert "| start-up | 0.50 s | at most 1.5 s | met |" in told
    assert "| 1.50 ms | at most 1 ms | **missed**: the functions" in told  # decide()


def test_the_page_tells_of_answers_processes_and_growth() -> None:
    told = "\n".join(page(run()))
    assert f"| 100 kB | 5 of 9 | 1 | {LEDGER} | 2.50 | 2.50 | 2.50 | 400 | 2.00 | 2.50 |" in told
    assert f"| {WHOLE} | 0.50 | 40 | 60 | - |" in told
    assert "2.00 MB | at most 5 MB | met |" in told  # from 60 to 62
    assert "Calls answered with a ledger: 10; on record: 10." in told


def test_the_sizing_follows_from_what_was_measured() -> None:
    told = "\n".join(page(run()))
    assert f"| {WHOLE} | 2.00 | 500 |" in told
    # 500 clinicians, 20 calls in the busiest hour: 2.8 a second, of 2 ms, on cores half busy;
    # 100 calls on 220 days, and 2 kB kept of each
    assert "| 500 | 2.8 | 0.01 | 5.6 | 22.0 |" in told


def test_a_run_read_from_its_file_makes_the_same_page() -> None:
    written = orjson.dumps(run().as_json(), option=orjson.OPT_NON_STR_KEYS)
    assert list(page(Run.from_json(orjson.loads(written)))) == list(page(run()))


@pytest.mark.skipif(not (RESULTS / "results.json").exists(), reason="no run yet")
def test_the_page_in_the_documents_is_that_of_the_samples_beside_it() -> None:
    made = Run.from_json(orjson.loads((RESULTS / "results.json").read_bytes()))
    assert (RESULTS / "results.md").read_text(encoding="utf-8") == "\n".join(page(made)) + "\n"
