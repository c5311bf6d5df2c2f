"""Charts for tests: FHIR resources by hand, and random realistic patients for the laws.

`chart(...)` is a whole prefetch; `judge(chart)` is the service's answer on 15 June 2026.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from cds_service.decision import Decision
from cds_service.fhir.read import read
from cds_service.fhir.releases import R4_TYPES
from cds_service.fhir.resources import gather
from cds_service.guideline import PATHWAY_ORDER
from cds_service.patient.facts import Facts
from cds_service.protocol.request import HookRequest
from cds_service.service import answer
from cds_service.site import Site
from cds_service.terminology import Terminology, default_terminology
from hooks.patient_view import SERVICE

TODAY = date(2026, 6, 15)
LOCAL = "https://pht-cds.example.org/fhir/CodeSystem/pht"
SCT = "http://snomed.info/sct"
CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
ATC = "http://www.whocc.no/atc"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
SITE = Site(timezone=ZoneInfo("UTC"), public_url="https://cds.example.org")
KEYS = {
    "Patient": "patient",
    "Condition": "conditions",
    "Procedure": "procedures",
    "ServiceRequest": "serviceRequests",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "MedicationAdministration": "medicationAdministrations",
    "CarePlan": "carePlans",
    "Goal": "goals",
    "AllergyIntolerance": "allergies",
    "Observation": "observations",
    "Medication": "medicationRequests",
}
KENALOG = (RXNORM, "1085754")  # triamcinolone acetonide injectable suspension (product)
TRIAMCINOLONE = (RXNORM, "10759")
PREDNISONE = (RXNORM, "8640")
IBUPROFEN = (RXNORM, "197805")
WARFARIN = (RXNORM, "11289")

Resource = dict[str, Any]


def ago(days: int) -> str:
    """The date so many days before today."""
    return (TODAY - timedelta(days=days)).isoformat()


def concept(*codes: tuple[str, str], text: str = "", display: str = "") -> Resource:
    coding = [
        {"system": s, "code": c, **({"display": display} if display else {})} for s, c in codes
    ]
    return {**({"coding": coding} if coding else {}), **({"text": text} if text else {})}


def local(code: str) -> Resource:
    return concept((LOCAL, code))


def origin(side: str = "") -> Resource:
    """Body site: the hamstring origin of this side."""
    return local(f"hamstring-origin-{side}" if side else "hamstring-origin")


def resource(kind: str, identity: str, **elements: Any) -> Resource:
    owner = "patient" if kind == "AllergyIntolerance" else "subject"
    made: Resource = {"resourceType": kind, "id": identity}
    if kind not in ("Patient", "Medication"):
        made[owner] = {"reference": "Patient/p1"}
    made |= elements
    return {name: value for name, value in made.items() if value is not None}


def patient(**elements: Any) -> Resource:
    return resource("Patient", "p1", **{"birthDate": "1985-03-02", **elements})


def pht(identity: str = "pht", side: str | None = "left", **elements: Any) -> Resource:
    """An active, confirmed PHT of the problem list, by the local code."""
    made = {
        "clinicalStatus": concept((CLINICAL, "active")),
        "verificationStatus": concept((VERIFIED, "confirmed")),
        "category": [concept((CATEGORY, "problem-list-item"))],
        "code": local("pht"),
        "bodySite": [origin(side)] if side is not None else None,
        "onsetDateTime": ago(400),
        "recordedDate": ago(390),
    }
    return resource("Condition", identity, **{**made, **elements})


def injection(
    identity: str, when: str | None, side: str | None = "left", **elements: Any
) -> Resource:
    """A completed steroid injection at the hamstring origin."""
    made = {
        "status": "completed",
        "code": local("steroid-injection"),
        "bodySite": [origin(side)] if side is not None else None,
        "performedDateTime": when,
    }
    return resource("Procedure", identity, **{**made, **elements})


def procedure(identity: str, code: Resource, when: str | None, **elements: Any) -> Resource:
    made = {"status": "completed", "code": code, "performedDateTime": when}
    return resource("Procedure", identity, **{**made, **elements})


def loading(
    identity: str = "loading", since: int = 100, side: str | None = "left", **elements: Any
) -> Resource:
    """A heavy slow resistance programme that goes on."""
    made = {
        "status": "in-progress",
        "code": local("hsr"),
        "bodySite": [origin(side)] if side is not None else None,
        "performedPeriod": {"start": ago(since)},
    }
    return resource("Procedure", identity, **{**made, **elements})


def referral(
    identity: str = "referral", days: int = 30, code: str = "ortho-referral", **elements: Any
) -> Resource:
    made = {"status": "active", "intent": "order", "code": local(code), "authoredOn": ago(days)}
    return resource("ServiceRequest", identity, **{**made, **elements})


def administration(
    identity: str, when: str, drug: tuple[str, str] = KENALOG, **elements: Any
) -> Resource:
    made = {
        "status": "completed",
        "medicationCodeableConcept": concept(drug),
        "effectiveDateTime": when,
    }
    return resource("MedicationAdministration", identity, **{**made, **elements})


def statement(
    identity: str, when: str | None, drug: tuple[str, str] = KENALOG, **elements: Any
) -> Resource:
    made = {
        "status": "completed",
        "medicationCodeableConcept": concept(drug),
        "effectiveDateTime": when,
    }
    return resource("MedicationStatement", identity, **{**made, **elements})


def prescription(
    identity: str, when: str | None, drug: tuple[str, str] = IBUPROFEN, **elements: Any
) -> Resource:
    made = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(drug),
        "authoredOn": when,
    }
    return resource("MedicationRequest", identity, **{**made, **elements})


def score(
    identity: str, days: int, value: float, code: str = "visa-h", **elements: Any
) -> Resource:
    made = {
        "status": "final",
        "code": local(code),
        "effectiveDateTime": ago(days),
        "valueQuantity": {"value": value},
    }
    return resource("Observation", identity, **{**made, **elements})


def chart(*resources: Resource, person: Resource | None = None) -> dict[str, Any]:
    """A complete prefetch: every key is there, empty searches are empty Bundles."""
    prefetch: dict[str, Any] = {
        key: {"resourceType": "Bundle", "type": "searchset", "entry": []}
        for key in SERVICE.prefetch
    }
    prefetch["patient"] = person or patient()
    for one in resources:
        prefetch[KEYS[R4_TYPES.get(one["resourceType"], one["resourceType"])]]["entry"].append(
            {"resource": one}
        )
    return prefetch


def request(prefetch: Mapping[str, Any], **context: str) -> HookRequest:
    return HookRequest(
        hook="patient-view",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        context={"userId": "Practitioner/dr", "patientId": "p1", **context},
        prefetch=prefetch,
    )


def judge(
    prefetch: Mapping[str, Any], *, today: date = TODAY, site: Site = SITE, **context: str
) -> Decision:
    return answer(SERVICE, request(prefetch, **context), today=today, site=site)


def judged(*resources: Resource, person: Resource | None = None, **other: Any) -> Decision:
    return judge(chart(*resources, person=person), **other)


#: the rules these tests are about
RULES = (
    "steroid-overuse",
    "initial-plan",
    "loading-programme-missing",
    "step-up-options",
    "surgical-referral-consider",
    "surgical-referral-overdue",
)


PATHWAY = {rule for rule, _ in PATHWAY_ORDER}


def fired(decision: Decision) -> list[str]:
    """What is shown of `RULES`, as 'rule variant indicator', cards in order."""
    return [
        " ".join(filter(None, (o.rule, o.variant, o.indicator)))
        for o in decision.shown
        if o.rule in RULES
    ]


def bug(reason: str) -> pytest.MarkDecorator:
    """Known and not yet mended: the test fails once it is, so that the mark goes."""
    return pytest.mark.xfail(strict=True, reason=reason)


def shown(*resources: Resource, person: Resource | None = None, **other: Any) -> list[str]:
    return fired(judged(*resources, person=person, **other))


def facts(
    *resources: Resource,
    person: Resource | None = None,
    terminology: Terminology | None = None,
    **other: Any,
) -> Facts:
    """What is read of a chart."""
    evidence = gather(SERVICE.prefetch, chart(*resources, person=person), "p1")
    return read(
        evidence,
        terminology or default_terminology(),
        **{"today": TODAY, "zone": ZoneInfo("UTC"), **other},
    )


# --- random realistic patients ---

_DAYS = st.integers(0, 900)
_STARTS = st.one_of(
    st.integers(0, 500), st.integers(28, 100), st.integers(56, 89), st.integers(150, 220)
)
_SIDE = st.sampled_from(["left", "left", "left", "right", "", None])


@st.composite
def _dates(draw: st.DrawFn, most: int = 900) -> str:
    return ago(draw(st.integers(0, most)))


@st.composite
def _diagnosis(draw: st.DrawFn, identity: str) -> Resource:
    onset = draw(st.integers(0, 500))
    elements: Resource = {
        "onsetDateTime": draw(st.sampled_from([ago(onset), ago(onset), None])),
        "recordedDate": draw(st.sampled_from([ago(max(0, onset - 12)), ago(onset), None])),
    }
    if draw(st.integers(0, 4)) == 0:
        elements["clinicalStatus"] = concept(
            (CLINICAL, draw(st.sampled_from(["resolved", "recurrence"])))
        )
    if draw(st.integers(0, 5)) == 0:
        elements["clinicalStatus"] = None
        elements["category"] = [concept((CATEGORY, "encounter-diagnosis"))]
    if draw(st.integers(0, 5)) == 0:
        elements["code"] = {"text": "Proximal hamstring tendinopathy"}
    return pht(identity, draw(_SIDE), **elements)


def _reasons(draw: st.DrawFn) -> Resource:
    stated = draw(st.integers(0, 5))
    if stated == 0:
        return {"reasonCode": [local("pht")]}
    if stated == 1:
        return {"reasonReference": [{"reference": "Condition/d0"}]}
    return {}


@st.composite
def _injection(draw: st.DrawFn, identity: str) -> Resource:
    when = draw(st.sampled_from([None, "x", "x", "x", "x", "x"]))
    when = when and draw(_dates())
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return procedure(identity, concept((CPT, "20551")), when, bodySite=[origin("left")])
    if kind == 1:
        dosage = {"site": origin("left"), "route": local("peritendinous")}
        return administration(identity, when or ago(3), dosage=dosage)
    if kind == 2:
        return statement(identity, when, reasonCode=[local("pht")])
    if kind == 3:
        status = draw(st.sampled_from(["completed", "active", "draft"]))
        return prescription(identity, when, KENALOG, status=status, reasonCode=[local("pht")])
    status = draw(st.sampled_from(["completed", "completed", "completed", "not-done"]))
    return injection(identity, when, draw(_SIDE), status=status, **_reasons(draw))


@st.composite
def _care(draw: st.DrawFn, identity: str) -> Resource:
    code = draw(
        st.sampled_from(
            [local("hsr"), local("eccentric-loading"), concept((CPT, "97110")), local("massage"),
             local("eswt"), local("prp-injection"), local("hamstring-surgery")]
        )
    )  # fmt: skip
    start = draw(_STARTS)
    side = draw(_SIDE)
    sited = {"bodySite": [origin(side)]} if side is not None else {}
    shape = draw(st.integers(0, 3))
    if shape == 0:
        return procedure(identity, code, ago(start), **sited, **_reasons(draw))
    end = {"end": ago(draw(st.integers(0, start)))} if shape == 1 else {}
    status = "completed" if shape == 1 else "in-progress"
    period = {"performedPeriod": {"start": ago(start), **end}}
    return procedure(identity, code, None, status=status, **period, **sited)


@st.composite
def _nsaid(draw: st.DrawFn, identity: str) -> Resource:
    return prescription(
        identity, draw(_dates(500)), status=draw(st.sampled_from(["active", "completed", "draft"]))
    )


@st.composite
def _referral(draw: st.DrawFn, identity: str) -> Resource:
    return referral(
        identity,
        draw(_DAYS),
        draw(st.sampled_from(["ortho-referral", "physio-referral"])),
        status=draw(st.sampled_from(["active", "completed", "revoked", "draft"])),
        bodySite=draw(st.sampled_from([None, [origin("left")], [origin("right")]])),
    )


@st.composite
def _plan(draw: st.DrawFn, identity: str) -> Resource:
    code = draw(st.sampled_from([local("hsr"), concept((CPT, "97110")), local("massage")]))
    activity = draw(st.sampled_from(["in-progress", "completed", "not-started"]))
    return resource(
        "CarePlan",
        identity,
        status="active",
        intent="plan",
        period={"start": ago(draw(_STARTS))},
        activity=[{"detail": {"status": activity, "code": code}}],
    )


@st.composite
def _course(draw: st.DrawFn) -> list[Resource]:
    """Loading that goes on, with a score near its start and one of late."""
    since = draw(_STARTS)
    code, top = draw(st.sampled_from([("visa-h", 100), ("nrs-activity", 10)]))
    scores = [
        score(f"x{n}", day, draw(st.integers(0, top)), code)
        for n, day in enumerate((since, draw(st.integers(0, 42))))
    ]
    how = draw(st.integers(0, 2))
    program = loading("x", since) if how else draw(_plan("x"))
    return [program, *scores[: draw(st.integers(0, 2))]]


@st.composite
def _score(draw: st.DrawFn, identity: str) -> Resource:
    code, top = draw(st.sampled_from([("visa-h", 100), ("nrs-activity", 10)]))
    return score(identity, draw(st.integers(0, 300)), draw(st.integers(0, top)), code)


@st.composite
def patients(draw: st.DrawFn) -> list[Resource]:
    """The resources of one patient, the Patient left out; at least one diagnosis."""
    made = [draw(_diagnosis(f"d{n}")) for n in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        made += draw(_course())
    for name, one, most in (
        ("p", _plan, 1),
        ("i", _injection, 5),
        ("c", _care, 4),
        ("n", _nsaid, 2),
        ("r", _referral, 2),
        ("s", _score, 3),
    ):
        made += [draw(one(f"{name}{k}")) for k in range(draw(st.integers(0, most)))]
    return made


UNRELATED: tuple[Resource, ...] = (
    resource("Condition", "u1", code=concept((ICD, "I10"), text="Essential hypertension")),
    resource("Condition", "u2", code=concept((ICD, "S52.501A"), text="Wrist fracture, left")),
    procedure("u3", concept((SCT, "80146002"), text="Appendectomy"), "2019-04-02"),
    procedure("u4", concept((CPT, "99213"), text="Office visit"), ago(20)),
    resource("ServiceRequest", "u5", status="active", intent="order", code={"text": "Chest X-ray"}),
    prescription("u6", ago(40), (RXNORM, "860975")),
    statement("u7", ago(40), (RXNORM, "314076"), status="active"),
    resource("AllergyIntolerance", "u8", code=concept((SCT, "256277009"), text="Grass pollen")),
    score("u9", 10, 120) | {"code": concept((LOINC, "8480-6"))},
)


def moved(value: Any, days: int) -> Any:
    """The same record with every date moved by so many days."""
    if isinstance(value, dict):
        return {k: v if k in ("system", "code") else moved(v, days) for k, v in value.items()}
    if isinstance(value, list):
        return [moved(one, days) for one in value]
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return (date.fromisoformat(value) + timedelta(days=days)).isoformat()
    return value


def coarser(value: Any, length: int) -> Any:
    """Every date cut to a month (7) or a year (4), birth dates excepted."""
    if isinstance(value, dict):
        return {
            k: v if k in ("system", "code", "birthDate") else coarser(v, length)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [coarser(one, length) for one in value]
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return value[:length]
    return value


def levels(decision: Decision, *, uncertain: bool = True) -> dict[str, int]:
    """Rule -> the highest level of its findings on any side, shown or withheld (info 1 ...).

    Pathway rules are one: they share one card, and each stands in for the next (90 days
    uncertain: step-up options instead of a surgical opinion). `uncertain` False leaves out the
    variant that exists to tell of uncertain records.
    """
    rank = {"info": 1, "warning": 2, "critical": 3}
    found: dict[str, int] = {}
    for outcome in decision.outcomes:
        if outcome.advice is not None and (uncertain or outcome.variant != "uncertain-records"):
            name = "pathway" if outcome.rule in PATHWAY else outcome.rule
            found[name] = max(found.get(name, 0), rank[outcome.indicator])
    return found


def without(prefetch: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in prefetch.items() if name != key}


def entries(prefetch: Mapping[str, Any]) -> Iterable[tuple[str, list[Any]]]:
    """(key, entries) of the searches of a prefetch."""
    for key, value in prefetch.items():
        if value.get("resourceType") == "Bundle":
            yield key, value["entry"]


# --- JSON of any shape ---

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["Bundle", "OperationOutcome", "Patient/p1", "2026-06-15", "order-sign", ""]),
)
_NAMES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["resourceType", "entry", "resource", "code", "coding", "hook", "context"]),
)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, of a moderate size; names and words that mean something are frequent."""
    return st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
        max_leaves=12,
    )


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The path of every value within `value`, itself left out."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, one in steps:
        yield (*path, step)
        if isinstance(one, (dict, list)):
            yield from _places(one, (*path, step))


@st.composite
def altered(draw: st.DrawFn, whole: Mapping[str, Any]) -> Any:
    """The same JSON with one to three values in it replaced by any other, or left out."""
    made = copy.deepcopy(dict(whole))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(_places(made)) or [("hook",)]))
        here: Any = made
        for step in way:
            here = here[step]
        if draw(st.integers(0, 3)) == 0 and isinstance(here, dict):
            here.pop(last, None)
        else:
            here[last] = draw(json_values())
    return made
