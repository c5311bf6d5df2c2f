"""Where the time of one call goes, step by step, in one process and without HTTP.

python -m tools.bench.profile [--size 100000] [--relevant 20] [--functions]
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time
from collections.abc import Callable

import click
import orjson

from cds_service import service as engine
from cds_service.demo.patients import DEMO_TODAY
from cds_service.fhir.read import read
from cds_service.fhir.resources import gather
from cds_service.protocol.request import parse
from cds_service.terminology import default_terminology
from cds_service.web.wire import parse_json
from hooks.patient_view import SERVICE
from tools.bench.bodies import body
from tools.refresh_fixtures import SITE

REPEATS = 200


@click.command()
@click.option("--size", default=100_000, show_default=True, help="Bytes of the body.")
@click.option("--relevant", default=20, show_default=True, help="Resources the rules read.")
@click.option("--functions", is_flag=True, help="Also the functions that take most time.")
def main(size: int, relevant: int, *, functions: bool) -> None:
    """Median milliseconds of each step of one call."""
    data = body(size, relevant).data
    call = parse(parse_json(data), hook=SERVICE.hook)
    evidence = gather(SERVICE.prefetch, call.prefetch, call.patient_id)
    known = default_terminology()
    decision = engine.decide(SERVICE, call, evidence, today=DEMO_TODAY, site=SITE)

    def facts() -> object:
        return read(evidence, known, today=DEMO_TODAY, zone=SITE.timezone)

    def decided() -> object:
        return engine.decide(SERVICE, call, evidence, today=DEMO_TODAY, site=SITE)

    reading = _median(facts)
    steps = {
        "bytes to JSON, checked": _median(lambda: parse_json(data)),
        "JSON to request": _median(lambda: parse(orjson.loads(data), hook=SERVICE.hook))
        - _median(lambda: orjson.loads(data)),
        "prefetch to evidence": _median(
            lambda: gather(SERVICE.prefetch, call.prefetch, call.patient_id)
        ),
        "evidence to facts": reading,
        "facts to cards (decide)": _median(decided) - reading,
        "cards to bytes": _median(lambda: orjson.dumps(decision.response())),
    }
    for step, seconds in steps.items():
        click.echo(f"{seconds * 1000:8.3f} ms  {step}")
    click.echo(f"{sum(steps.values()) * 1000:8.3f} ms  in all")
    if functions:
        _functions(decided)


def _median(step: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _functions(step: Callable[[], object]) -> None:
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(REPEATS):
        step()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
