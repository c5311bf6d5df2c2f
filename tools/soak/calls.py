"""Hook calls, each with the answer that the engine gave to the very same call beforehand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from cds_service.errors import CdsError
from cds_service.protocol.request import parse
from cds_service.web import callers, create_app
from tools.soak.world import GOOD, World

Json = dict[str, Any]
FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
FETCHED = "delayed-referral"  # the case whose record the FHIR servers hold
EVERY = 6  # of so many calls one brings no prefetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`status` and `answer` (canonical JSON) are what is expected; `summaries` those of its cards.

    `fhir`: how the FHIR server behaves that must be asked; empty where all is in the prefetch.
    `most`: the cards that a call whose data must be fetched may show: none but at a good server.
    """

    service: str
    data: bytes
    status: int
    answer: bytes
    fhir: str = ""
    most: frozenset[str] = field(default_factory=frozenset)


def canonical(value: Any) -> bytes:
    """The same bytes for equal JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@cache
def templates() -> tuple[Json, ...]:
    """The fixtures' calls of all hooks, complete in themselves."""
    found = [json.loads(file.read_text("utf-8")) for file in sorted(FIXTURES.rglob("request.json"))]
    return tuple({k: v for k, v in one.items() if not k.startswith("fhir")} for one in found)


def record() -> dict[str, list[Json]]:
    """What the good FHIR server holds, by type."""
    call = json.loads((FIXTURES / FETCHED / "request.json").read_text("utf-8"))
    held: dict[str, list[Json]] = {}
    for value in call["prefetch"].values():
        entries = value.get("entry", []) if value["resourceType"] == "Bundle" else [value]
        for one in entries:
            resource = one.get("resource", one)
            held.setdefault(resource["resourceType"], []).append(resource)
    return held


class Expected:
    """What the engine answers, asked in this process and without a database."""

    def __init__(self, world: World) -> None:
        settings = world.settings
        self._wiring = create_app(settings).extensions["cds_service"]
        known = callers.clients(settings, settings.site_file().clients)
        self._client = known[world.ehr.iss]
        self._services = {one.hook: one for one in self._wiring.services.values()}
        self._fhir = world.fhir

    def calls(self, number: int, *, bad: bool = True) -> list[Call]:
        """So many calls: the hooks mixed, some without prefetch. `bad`: at bad FHIR servers too."""
        good, *others = self._fetching()
        fetching = [each for one in others for each in (good, one)] if bad else [good]
        made = []
        for index in range(number):
            if index % EVERY == EVERY - 1:
                made.append(fetching[(index // EVERY) % len(fetching)])
            else:
                made.append(self._sent(_varied(templates()[index % len(templates())], index)))
        return made

    def stalled(self, manner: str) -> Call:
        """The call whose FHIR server behaves so."""
        return next(one for one in self._fetching() if one.fhir == manner)

    def _sent(self, body: Json) -> Call:
        status, told = self._answered(body)
        service = self._services[body["hook"]].id
        data = orjson.dumps(body)
        return Call(service=service, data=data, status=status, answer=canonical(told))

    @cache  # noqa: B019  # one object in a run
    def _fetching(self) -> list[Call]:
        return list(self._fetched())

    def _fetched(self) -> Iterator[Call]:
        source = json.loads((FIXTURES / FETCHED / "request.json").read_text("utf-8"))
        for manner, base in self._fhir.items():
            body = {k: v for k, v in source.items() if k != "prefetch"} | {"fhirServer": base}
            body["hookInstance"] = str(uuid5(NAMESPACE_OID, manner))
            status, told = self._answered(body)
            shown = told["cards"] if manner == GOOD else ()
            yield Call(
                service=self._services[body["hook"]].id,
                data=orjson.dumps(body),
                status=status,
                answer=canonical(told),
                fhir=manner,
                most=frozenset(card["summary"] for card in shown),
            )

    def _answered(self, body: Json) -> tuple[int, Any]:
        service = self._services[body["hook"]]
        try:
            request = parse(copy.deepcopy(body), hook=service.hook)
            decision = self._wiring.decide(service, request, self._client)
        except CdsError as error:
            return error.status, None  # any OperationOutcome of this status
        return 200, decision.response()


def _varied(template: Json, index: int) -> Json:
    """The call in a hook instance of its own, by a user of its own."""
    user = {"userId": f"Practitioner/soak-{index}"}
    instance = str(uuid5(NAMESPACE_OID, f"soak-{index}"))
    return template | {"hookInstance": instance, "context": template["context"] | user}
