"""Writes what follows from the fixtures' records: hook calls and the answers to them.

    python -m tools.refresh_fixtures           rewrites what is stale, and names it
    python -m tools.refresh_fixtures --check   only names it; exit code 1 when there is any

    fixtures/fhir/<case>/record.json          by hand: the whole record of one demo patient
    fixtures/fhir/<case>/about.json           by hand: title, story, today; who opens the chart
    fixtures/fhir/<case>/request.json         written here, from the record
    fixtures/fhir/<case>/response.json        written here, from the request
    fixtures/fhir/boundaries/<case>/request.json   by hand
    fixtures/fhir/boundaries/<case>/response.json  written here, from the request
    fixtures/fhir/hooks/<hook>-<case>/...          the same, a pair for each further hook

A response written here is what the service answers, not what it ought to answer: read the
difference before committing it. What each case ought to answer stands in tests/fixtures.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cds_service import service as engine
from cds_service.demo.call import hook_call
from cds_service.demo.patients import DEMO_TODAY
from cds_service.demo.record import Record, resources_of
from cds_service.errors import CdsError, operation_outcome
from cds_service.protocol.request import parse
from cds_service.site import Site
from hooks import services
from hooks.patient_view import SERVICE

Json = dict[str, Any]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "fhir"
# As `cds-service demo` serves them on its usual port.
SERVER = "http://localhost:8000"
SITE = Site(timezone=ZoneInfo("UTC"), public_url=SERVER, fixed_today=DEMO_TODAY)
SERVICES = {service.hook: service for service in services()}
LINE = 100  # characters; what fits stands on one line


def requests() -> Iterator[tuple[Path, Json]]:
    """Every file that holds a hook call, with the call."""
    for record in sorted(FIXTURES.glob("*/record.json")):
        yield record.with_name("request.json"), call_of(record.parent)
    for folder in ("boundaries", "hooks", "releases"):
        for file in sorted(FIXTURES.glob(f"{folder}/*/request.json")):
            yield file, read(file)


def call_of(case: Path) -> Json:
    """The hook call of an EHR that opens the chart of the demo patient in `case`."""
    record = Record(resources_of(read(case / "record.json")))
    (patient,) = record.of_type("Patient")
    call = hook_call(
        SERVICE.hook,
        SERVICE.prefetch,
        record,
        patient=patient["id"],
        fhir_server=f"{SERVER}/demo/fhir",
    )
    call["hookInstance"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{SERVER}/{case.name}"))
    call["context"] |= read(case / "about.json").get("context", {})
    return call


def answer_to(call: Json) -> tuple[int, Json]:
    """HTTP status and body of the service's answer."""
    service = SERVICES[call["hook"]]
    try:
        request = parse(call, hook=service.hook)
        decision = engine.answer(service, request, today=DEMO_TODAY, site=SITE)
    except CdsError as error:
        return error.status, operation_outcome(error)
    return 200, decision.response()


def read(file: Path) -> Json:
    content: Json = json.loads(file.read_text(encoding="utf-8"))
    return content


def text(value: Any, indent: int = 0) -> str:
    """JSON for people: an object or list that fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= LINE or not isinstance(value, dict | list):
        return line
    inner, pad = indent + 2, " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(key)}: {text(one, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    parts = [f"{pad}{text(one, inner)}" for one in value]
    return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"


def fresh() -> Iterator[tuple[Path, str]]:
    """Every file written here, with what it must hold."""
    for file, call in requests():
        if (file.parent / "record.json").exists():
            yield file, text(call) + "\n"
        _, body = answer_to(call)
        yield file.with_name("response.json"), text(body) + "\n"


def stale() -> Iterator[tuple[Path, str]]:
    """Those of `fresh` that hold something else, or are not there."""
    for file, content in fresh():
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            yield file, content


def main() -> int:
    """Exit code: 1 when --check finds something stale, else 0."""
    found = list(stale())
    for file, content in found:
        print(file.relative_to(FIXTURES.parents[1]))
        if "--check" not in sys.argv:
            file.write_text(content, encoding="utf-8")
    return 1 if found and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
