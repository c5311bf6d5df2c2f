"""Coverage-guided fuzzing of reading and deciding: `make fuzz`, in process, a set number of runs.

Each input is bytes that choose one of the fixtures' calls and what to change in it: values left
out, replaced by others of any type, or by text of the fuzzer's own. atheris keeps what reaches new
code and varies it. A call must be decided or refused as a CdsError; whatever else is raised is a
finding, and its input is written to a file. The same file as argument repeats it.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["cds_service", "hooks"]):
    from cds_service.errors import CdsError
    from cds_service.protocol.request import parse
    from cds_service.service import Service, answer
    from cds_service.settings import Settings
    from cds_service.web.wire import Limits, parse_json
    from hooks import services

ROOT = Path(__file__).parents[1]
RUNS = 10_000
TODAY = date(2026, 6, 15)
LIMITS = Limits(body=10_000_000, resources=10_000, string=1_048_576)
VALUES: list[Any] = [
    *(None, True, 0, -1, 1e308, "", " ", "x", [], {}, [[]], [None], {"reference": "x"}),
    *("Patient/p1", "2026-06-15", "2026", "9999-12-31", "0001-01-01T00:00:00+14:00", "active"),
    *({"coding": [{"system": "http://snomed.info/sct", "code": "202882003"}]}, "left", "hamstring"),
]
CALLS = [json.loads(file.read_text()) for file in sorted((ROOT / "fixtures").rglob("request.json"))]
OFFERED: dict[str, Service] = {service.hook: service for service in services()}
SITE = Settings.load().site()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every object or list in `value` with each of its keys or indices."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, one in list(steps):
        yield value, step
        if isinstance(one, dict | list):
            yield from places(one)


def altered(given: atheris.FuzzedDataProvider) -> dict[str, Any]:
    """A fixture's call with one to four changes."""
    made: dict[str, Any] = copy.deepcopy(CALLS[given.ConsumeIntInRange(0, len(CALLS) - 1)])
    for _ in range(given.ConsumeIntInRange(1, 4)):
        known = list(places(made))
        if not known:
            break
        here, step = known[given.ConsumeIntInRange(0, len(known) - 1)]
        how = given.ConsumeIntInRange(0, 9)
        if how == 0:
            del here[step]
        elif how < 3:  # noqa: PLR2004
            here[step] = given.ConsumeUnicodeNoSurrogates(40)
        elif how == 3:  # noqa: PLR2004
            here[step] = copy.deepcopy(known[given.ConsumeIntInRange(0, len(known) - 1)][0])
        else:
            here[step] = VALUES[given.ConsumeIntInRange(0, len(VALUES) - 1)]
    return made


def one_input(data: bytes) -> None:
    """Raises whatever is not a refusal."""
    made = altered(atheris.FuzzedDataProvider(data))
    try:
        body = parse_json(json.dumps(made).encode(), LIMITS)
        hook = body.get("hook") if isinstance(body, dict) else None
        service = OFFERED.get(hook if isinstance(hook, str) else "") or OFFERED["patient-view"]
        decision = answer(service, parse(body, hook=service.hook), today=TODAY, site=SITE)
        json.dumps(decision.response(explain=True))
    except CdsError:
        pass


if __name__ == "__main__":
    chosen = (
        sys.argv
        if len(sys.argv) > 1
        else [*sys.argv, f"-runs={RUNS}", "-max_len=256", "-len_control=0"]
    )
    atheris.Setup(chosen, one_input)
    atheris.Fuzz()
