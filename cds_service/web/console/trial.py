"""One call judged on the what-if page, and everything the page shows of it.

It goes through the same pipeline as a client's call, with the date the visitor chose, and
leaves no trace: nothing is stored, logged or counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cds_service.decision import UNJUDGED, Decision
from cds_service.demo.record import Resource
from cds_service.errors import CdsError
from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.case import Case
from cds_service.guideline.finding import Recommendation
from cds_service.protocol.request import parse
from cds_service.service import Service
from cds_service.site import Site
from cds_service.web.console import lanes, material
from cds_service.web.console.picture import Frame, Picture, Side
from cds_service.web.console.timeline import draw
from cds_service.web.console.why import Verdict, verdicts
from cds_service.web.wiring import wiring

OPENING = "patient-view"
PRESSING = ("critical", "warning", "info")  # the order in which an EHR shows cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`sent` is the call, `decision` the answer to it on `today`."""

    service: Service
    sent: Mapping[str, Any]
    today: date
    decision: Decision
    picture: Picture | None
    #: the records that the answer or the timeline names, by reference
    records: Mapping[str, Resource] = field(default_factory=dict)
    #: record reference -> id of the element that shows it
    anchors: Mapping[str, str] = field(default_factory=dict)

    @property
    def received(self) -> dict[str, Any]:
        return self.decision.response()

    @property
    def cards(self) -> list[dict[str, Any]]:
        """In the order an EHR shows them."""
        return sorted(self.decision.cards, key=lambda card: PRESSING.index(card["indicator"]))

    @property
    def unjudged(self) -> list[dict[str, str]]:
        told: dict[str, Any] = self.received.get("extension", {}).get(UNJUDGED, {})
        rules: list[dict[str, str]] = told.get("rules", [])
        return rules

    @property
    def speaks_of(self) -> list[str]:
        """What the rules of this service are about, at a hook about orders."""
        kinds = (kind.value for rule in self.service.recommendations for kind in rule.orders)
        return list(dict.fromkeys(kinds)) if self.service.about_orders else []

    @property
    def not_asked(self) -> list[Recommendation]:
        """Rules that another hook asks."""
        return [rule for rule in RECOMMENDATIONS if rule not in self.service.recommendations]

    @property
    def verdicts(self) -> list[Verdict]:
        return verdicts(self.decision)

    def svg(self, side: Side) -> str:
        """The drawing of one side of the picture."""
        return draw(self.picture, side, self.anchors) if self.picture else ""


def judge(service: Service, sent: dict[str, Any], today: date, frame: Frame | None) -> Trial:
    """The answer to `sent` as of `today`; `frame` keeps the days that are drawn.

    Raises CdsError: what a client would be told.
    """
    shared = wiring()
    # Every rationale then says that its date was chosen.
    site = replace(shared.site_for(), fixed_today=today)
    decision = shared.answer(service, parse(sent, hook=service.hook), today=today, site=site)
    case = decision.case or _case_of_chart(sent, today, site)
    return told(service, sent, decision, material.records(sent), case=case, frame=frame)


def told(
    service: Service,
    sent: Mapping[str, Any],
    decision: Decision,
    held: Mapping[str, Resource],
    *,
    case: Case | None = None,
    frame: Frame | None = None,
) -> Trial:
    """What a page shows of `decision`; `held` are the records it may show, by reference."""
    case = case or decision.case
    picture = lanes.picture(case, frame) if case else None
    named = {name: held[name] for name in _named(decision, picture) if name in held}
    return Trial(
        service=service,
        sent=sent,
        today=decision.today,
        decision=decision,
        picture=picture,
        records=named,
        anchors={name: f"record-{number}" for number, name in enumerate(named, start=1)},
    )


def _case_of_chart(sent: Mapping[str, Any], today: date, site: Site) -> Case | None:
    """What opening the chart would show, where no rule is asked about the call itself."""
    shared = wiring()
    opening = next((s for s in shared.services.values() if s.hook == OPENING), None)
    if opening is None:
        return None
    context = {
        name: sent["context"][name] for name in ("userId", "patientId") if name in sent["context"]
    }
    body = {**sent, "hook": OPENING, "context": context}
    try:
        return shared.answer(opening, parse(body, hook=OPENING), today=today, site=site).case
    except CdsError:  # the call itself was answered: only its drawing is lacking
        return None


def _named(decision: Decision, picture: Picture | None) -> list[str]:
    """References of the timeline and of the reasons, each once, in order."""
    drawn = [
        reference
        for side in (picture.sides if picture else ())
        for told in side.told
        for reference in told.references
    ]
    used = [
        reference
        for outcome in decision.outcomes
        for criterion in outcome.criteria
        for fact in criterion.facts
        for reference in (fact.reference, *fact.also)
    ]
    case = decision.case
    looked_at = [note.reference for note in case.timeline.notes()] if case else []
    unread = [one.reference for one in case.facts.unreadable] if case else []
    return list(dict.fromkeys((*drawn, *used, *looked_at, *unread)))
