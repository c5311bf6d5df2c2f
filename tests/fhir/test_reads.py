"""What discovery tells of the elements and codes read, against what is really looked at."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.fhir import bookings, drafts, read
from cds_service.fhir.codes import Known
from cds_service.fhir.reads import READS
from cds_service.terminology import default_terminology
from tests.conformance.calls import body
from tests.conftest import DATA, ROOT
from tests.strategies import IBUPROFEN, chart, concept, local, pht, request, resource
from tests.test_vignettes import SAME, call
from tools.refresh_fixtures import SERVICES, answer_to

#: what every resource is told from others by
IDENTITY = {"resourceType", "id", "meta", "subject", "patient", "contained"}


class Watched(dict):  # type: ignore[type-arg]
    """A resource that remembers which of its elements were looked at."""

    seen: dict[str, set[str]]

    def get(self, name: str, default: Any = None) -> Any:
        self.seen[self["resourceType"]].add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        if name != "resourceType":
            self.seen[self["resourceType"]].add(name)
        return super().__getitem__(name)


def calls() -> Iterator[dict[str, Any]]:
    for file in sorted((ROOT / "fixtures" / "fhir").rglob("request.json")):
        if "releases" in file.relative_to(ROOT).parts:  # put under R4's names first
            continue
        yield json.loads(file.read_text(encoding="utf-8"))
    cases = json.loads((DATA / "vignettes.json").read_text(encoding="utf-8"))["vignettes"]
    for case in cases:
        for hook in SAME[case["hook"]]:
            yield call(case, {"hook": hook, "prefetch": SERVICES[hook].prefetch})
    goal = resource("Goal", "g", description=local("return-to-full-activity"))
    allergy = resource("AllergyIntolerance", "a", code=concept(IBUPROFEN))
    yield body(request(chart(pht(), goal, allergy)))


def watched(value: Any) -> Any:
    """The same JSON with every resource watched."""
    if isinstance(value, list):
        return [watched(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: watched(one) for name, one in value.items()}
    return Watched(made) if "resourceType" in value else made


BOOKED = bookings._booked
WITHIN = Known.within


class Watch:
    """Which elements and value sets are looked at, by type."""

    def __init__(self) -> None:
        self.elements: dict[str, set[str]] = defaultdict(set)
        self.value_sets: dict[str, set[str]] = defaultdict(set)
        self._now = ""

    def of(self, kind: str, reading: Any) -> Any:
        """`reading`, whose look-ups count for this type."""

        def wrapped(*args: Any, **more: Any) -> Any:
            self._now = kind
            try:
                return reading(*args, **more)
            finally:
                self._now = ""

        return wrapped

    def within(self, known: Known, value_set: str, role: str | None = "include") -> Any:
        found = WITHIN(known, value_set, role)
        if self._now and found:
            self.value_sets[self._now].add(value_set)
        return found


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What is looked at in every call on file and every vignette."""
    made = Watch()
    monkeypatch.setattr(Watched, "seen", made.elements, raising=False)
    monkeypatch.setattr(Known, "within", lambda *args: made.within(*args))  # noqa: PLW0108 - a bound method would lose `self`
    monkeypatch.setattr(drafts, "_service", made.of("ServiceRequest", drafts._service))
    monkeypatch.setattr(drafts, "_medication", made.of("MedicationRequest", drafts._medication))
    monkeypatch.setattr(bookings, "_booked", made.of("Appointment", lambda *a: list(BOOKED(*a))))
    monkeypatch.setattr(read, "_condition", made.of("Condition", read._condition))
    readers = {kind: made.of(kind, one) for kind, one in read.READERS.items()}
    monkeypatch.setattr(read, "READERS", readers)
    for sent in calls():
        answer_to(watched(sent))
    return made


def test_every_element_looked_at_is_told(watch: Watch) -> None:
    for kind, told in READS.items():
        seen = watch.elements[kind]
        # Readers that types share also look for elements that this type does not have.
        has = set(get_fhir_model_class(kind).elements_sequence())
        assert (seen & has) - IDENTITY <= set(told.elements), kind
        assert seen & has, kind


@pytest.mark.parametrize("kind", READS)
def test_every_element_told_is_one_of_the_type(kind: str) -> None:
    other_releases = {"reason", "subject"} if kind == "Appointment" else set()
    has = set(get_fhir_model_class(kind).elements_sequence()) | other_releases
    assert set(READS[kind].elements) <= has


def test_every_value_set_that_decided_is_told(watch: Watch) -> None:
    for kind, seen in watch.value_sets.items():
        assert seen <= set(READS[kind].value_sets), kind
    assert {"Condition", "Procedure", "ServiceRequest", "Appointment"} <= set(watch.value_sets)


def test_every_value_set_told_exists() -> None:
    known = {"pht", *default_terminology().value_sets}
    assert {name for told in READS.values() for name in told.value_sets} <= known
