"""What the client did not send is fetched from its FHIR server: in parallel, under one deadline.

Per prefetch key: data and null stand as sent; a missing key or an OperationOutcome is fetched; of a
Bundle with a `next` link the other pages are. Whatever cannot be had is named, with the reason.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Self

from blinker import Namespace

from cds_service.fhir import scopes
from cds_service.fhir.client import Call, FhirClient, late
from cds_service.fhir.queries import fill
from cds_service.fhir.resources import (
    Evidence,
    Fetched,
    Resource,
    next_link,
    relative,
    resource_at,
    template_type,
)
from cds_service.fhir.transport import Failure
from cds_service.protocol.request import HookRequest

log = logging.getLogger("cds_service.fetch")
#: sent for each fetch; sender: the resource type; `outcome`, and `seconds` it took
fetched = Namespace().signal("fetched")

MOST_READS = 50  # references followed for one hook call
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", re.ASCII)
_WITH_MEDICATION = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


class Fetcher:
    """One hook call's way to its FHIR server. Without a client nothing is fetched."""

    def __init__(
        self, client: FhirClient | None, request: HookRequest, unsupported: Iterable[str] = ()
    ) -> None:
        self._request = request
        self._unsupported = frozenset(unsupported)
        self._scopes = scopes.parse((request.fhir_authorization or {}).get("scope"))
        opened = _open(client, request) if client else ""
        self._call = opened if isinstance(opened, Call) else None
        self._why_not = "" if isinstance(opened, Call) else opened

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._call:
            self._call.close()

    def complete(
        self, templates: Mapping[str, str], lacking: Mapping[str, str]
    ) -> dict[str, Fetched]:
        """What could be fetched for the keys of `lacking` (key -> what is wrong with it)."""
        wanted = [key for key in lacking if template_type(templates[key]) not in self._unsupported]
        if self._call is None:
            return {key: Fetched(why=self._why_not) for key in wanted if self._why_not}
        kinds = {key: template_type(templates[key]) for key in wanted}
        asked = {key: (kinds[key], self._query(key, templates[key])) for key in wanted}
        return self._all(self._call, asked)

    def read(self, references: Iterable[str]) -> dict[str, Resource]:
        """reference -> resource, for those that this FHIR server has and the token allows."""
        if self._call is None:
            return {}
        names = {one: self._relative(one) for one in dict.fromkeys(references)}
        local = {one: name for one, name in list(names.items())[:MOST_READS] if name}
        asked = {name: (name.split("/")[0], name) for name in local.values()}
        found = self._all(self._call, asked)
        read = {
            one: resource_at(found[name].values[0], f"fhirServer.{name}")
            for one, name in local.items()
            if found[name].values and not found[name].why
        }
        return {one: got for one, got in read.items() if got.sent_reference == local[one]}

    def _query(self, key: str, template: str) -> str | None:
        """The rest of the pages where the first was sent whole, else everything."""
        return next_link(self._request.prefetch.get(key)) or fill(template, self._request.context)

    def _relative(self, reference: str) -> str:
        """'Medication/m1' for a reference to this server, empty for all others."""
        base = f"{self._call.base}/" if self._call else ""
        name = reference.removeprefix(base).split("/_history/", 1)[0]
        return name if _REFERENCE.fullmatch(name) else ""

    def _all(self, call: Call, asked: Mapping[str, tuple[str, str | None]]) -> dict[str, Fetched]:
        """Key -> what came of its (type, query); all at once, each logged by its type."""
        began = time.monotonic()
        started = {key: call.start(self._obtain, call, *what) for key, what in asked.items()}
        ended = {key: _ended(call, future, began) for key, future in started.items()}
        for key, got in ended.items():
            _tell(asked[key][0], got)
        return ended

    def _obtain(self, call: Call, kind: str, query: str | None) -> Fetched:
        """In a thread of the pool: one read, or all pages of a search."""
        began = time.monotonic()
        values: list[Any] = []
        why, outcome, status = "", "ok", None
        try:
            action, told = self._asking(kind, query)
            for page in call.pages(told, kind if action == "r" else "Bundle"):
                values.append(page)  # noqa: PERF402  # pages before a failure are kept
            if self._scopes.partial(kind, action):
                why, outcome = f"the token grants only a part of {kind}", "scope"
        except Failure as failure:
            why, outcome, status = failure.why, failure.outcome, failure.status
        return Fetched(tuple(values), why, outcome, status, time.monotonic() - began)

    def _asking(self, kind: str, query: str | None) -> tuple[str, str]:
        """The action that needs granting, and the query. Raises Failure before anything is sent."""
        if query is None:
            raise Failure("context", "the context does not hold what its template needs")
        action = "r" if _REFERENCE.fullmatch(query) else "s"
        if not self._scopes.allow(kind, action):
            raise Failure("scope", f"the token does not grant {_ACTIONS[action]} {kind}")
        return action, query


_ACTIONS = {"r": "reading", "s": "searching"}


def _open(client: FhirClient, request: HookRequest) -> Call | str:
    """The way to the FHIR server of this call, or why there is none."""
    if not request.fhir_server:
        return "no fhirServer was sent"
    base = client.policy.base(request.fhir_server)
    if base is None:
        return "fhirServer is not one that this service may ask"
    granted = request.fhir_authorization or {}
    life = granted.get("expires_in")
    seconds = client.policy.deadline if life is None else min(life, client.policy.deadline)
    if seconds <= 0:
        return "the access token has expired"
    return Call(client, base, granted.get("access_token"), seconds)


def _ended(call: Call, future: Future[Fetched], began: float) -> Fetched:
    try:
        return call.result(future)
    except Failure:
        over = late()
        return Fetched((), over.why, over.outcome, None, time.monotonic() - began)


def _tell(kind: str, got: Fetched) -> None:
    """One line a fetch, for the log and for counting; nothing about the patient."""
    ms = round(got.seconds * 1000, 1)
    told = {"type": kind, "outcome": got.outcome, "status": got.status, "ms": ms}
    log.info("fetch", extra={name: value for name, value in told.items() if value is not None})
    fetched.send(kind, outcome=got.outcome, seconds=got.seconds)


def add_medications(evidence: Evidence, fetcher: Fetcher) -> None:
    """Reads the Medications that prescriptions and drafts name, where no search included them."""
    having = [one for kind in _WITH_MEDICATION for one in evidence.of(kind)] + evidence.drafts
    wanted = [
        reference
        for one in having
        if (reference := _medication(one))
        and relative(reference).startswith("Medication/")
        and evidence.resolve(reference, one) is None
    ]
    evidence.named.update(fetcher.read(wanted))


def _medication(resource: Resource) -> str:
    element = resource.raw.get("medicationReference")
    if element is None:  # as in most
        return ""
    reference = element.get("reference") if isinstance(element, Mapping) else None
    return reference if isinstance(reference, str) else ""
