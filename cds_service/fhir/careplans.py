"""CarePlan activities -> loading, load management, passive care (guideline G11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir.act import Act
from cds_service.fhir.codes import Known, Site, first_code, items
from cds_service.fhir.dates import Span
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import CareKind, Place, Reason
from cds_service.patient.origin import concerns_pht
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import NO, YES

NEEDED = ("status", "period", "addresses", "activity")
RELEVANT = ("loading-programme", "rehab-active", "load-management", "rehab-passive")
PLAN = ("active", "completed")
ACTIVITY = ("in-progress", "completed")


def read(reader: Reader, resource: Resource) -> None:
    known = [reader.codes.known(detail.get("code")) for detail in _details(resource.raw)]
    if not any(one.within(name, None) for one in known for name in RELEVANT):
        return
    element = sound("CarePlan", resource.raw, NEEDED)
    if element.faults:
        reader.cannot_read(resource, element.faults[0])
        return
    for detail, codes in zip(_details(resource.raw), known, strict=True):
        _read_activity(reader, resource, element, detail, codes)


def _details(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    activities = [one for one in items(raw.get("activity")) if isinstance(one, Mapping)]
    return [a["detail"] for a in activities if isinstance(a.get("detail"), Mapping)]


def _read_activity(
    reader: Reader, resource: Resource, plan: Sound, detail: Mapping[str, Any], known: Known
) -> None:
    concept = next(filter(None, (known.within(name) for name in RELEVANT)), None)
    if concept is None:
        return
    status, activity = first_code(plan.get("status")), first_code(detail.get("status"))
    if status not in PLAN or activity not in ACTIVITY or detail.get("doNotPerform") is True:
        reader.note(resource, f"{concept.words}: planned or stopped, not carried out")
        return
    reason = _reason(reader, plan, detail)
    nowhere = Site(Place.NOT_STATED, NOT_STATED)
    place = reader.named_elsewhere(nowhere, Sound(detail), detail.get("code")).place
    if concerns_pht(place, reason) is NO:
        reader.note(resource, f"{concept.words}: another site or reason")
        return
    span, begun = reader.past(resource, _span(reader, plan, detail))
    if not begun:
        return
    Act(
        reader=reader,
        resource=resource,
        element=plan,
        known=known,
        site=_side(reader, plan, detail),
        span=span,
        status=status,
        ongoing=status == "active" and activity == "in-progress" and not _over(span, reader),
    ).add_care(_kind(concept.value_set, reason), concept)


def _kind(value_set: str, reason: Reason) -> CareKind:
    if value_set == "rehab-active":
        return CareKind.LOADING if reason is Reason.PHT else CareKind.UNSPECIFIED
    return {
        "loading-programme": CareKind.LOADING,
        "load-management": CareKind.LOAD_MANAGEMENT,
        "rehab-passive": CareKind.PASSIVE,
    }[value_set]


def _reason(reader: Reader, plan: Sound, detail: Mapping[str, Any]) -> Reason:
    """The activity's own reason, else the conditions the plan addresses."""
    own = reader.reason(Sound(detail))
    if own is not Reason.NOT_STATED:
        return own
    return reader.addresses(plan.get("addresses"))


def _side(reader: Reader, plan: Sound, detail: Mapping[str, Any]) -> Site:
    """An activity has no body site: the side is that of the diagnosis it is done for."""
    nowhere = Site(Place.NOT_STATED, NOT_STATED)
    own = reader.sided(nowhere, Sound(detail))
    addressed = Sound({"reasonReference": plan.get("addresses")})
    return own if own.side is not NOT_STATED else reader.sided(nowhere, addressed)


def _over(span: Span, reader: Reader) -> bool:
    return span.end is not None and span.end.is_before(reader.today) is YES


def _span(reader: Reader, plan: Sound, detail: Mapping[str, Any]) -> Span | None:
    """The activity's schedule, else the plan's period."""
    scheduled = reader.dates.span(Sound(detail), "scheduled")
    if scheduled and scheduled.start:
        return scheduled
    period = plan.get("period")
    if not isinstance(period, Mapping):
        return None
    return Span(reader.dates.when(period.get("start")), reader.dates.when(period.get("end")))
