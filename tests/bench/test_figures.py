"""Figures and targets are worked out as the page says."""

from __future__ import annotations

import pytest

from tools.bench.measure import Sample
from tools.bench.report import Run, page
from tools.bench.targets import Figures, Target, targets


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


def test_a_missed_target_is_said_to_be_missed() -> None:
    run = Run(
        machine={"commit": "abc", "cpu": "x", "cores": 2, "python": "3.11"},
        samples=[sample("floor", [1.0]), sample("service", [2.5])],
        targets=[Target(name="x", measured=2, limit=1, unit="ms")],
        started={"service": 0.5},
        memory={"service": {"fresh": [{"resident": 40.0}], "after": [{"resident": 60.0}]}},
    )
    told = "\n".join(page(run))
    assert "| x | 2.00 ms | at most 1 ms | **missed** |" in told
    assert "| 100 kB | 5 of 9 | 1 | service | 2.50 | 2.50 | 2.50 | 400 | 2.50 |" in told
    assert "| service | 0.50 | 40 | 60 |" in told
