"""What every resource reader needs: codes, dates, the other resources, the reasons known so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from cds_service.fhir.codes import Codes, Known, Site, items, texts
from cds_service.fhir.conditions import Kind, recognise
from cds_service.fhir.dates import Dates, Span
from cds_service.fhir.resources import Evidence, Resource, relative
from cds_service.fhir.sound import Fault, Sound
from cds_service.patient.facts import (
    Care,
    Diagnosis,
    Filtration,
    Finding,
    Flag,
    Goal,
    Injection,
    Measure,
    Note,
    Place,
    Reason,
    Referral,
    Score,
    Unreadable,
)
from cds_service.patient.origin import during_disease
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import Answer, When
from cds_service.terminology import text
from cds_service.terminology.words import names_other_region

_REASONS = {Kind.PHT: Reason.PHT, Kind.POSSIBLE: Reason.NEAR, Kind.NEIGHBOUR: Reason.NEAR}
#: of several stated reasons the first of these decides
_ORDER = (
    Reason.PHT,
    Reason.NEAR,
    Reason.UNRECOGNISED,
    Reason.ELSEWHERE,
    Reason.WORDED,
    Reason.NOT_STATED,
)
OTHER_REASONS = (
    "other-lower-limb-enthesopathy",
    "other-nsaid-indication",
    "hamstring-strain-rupture-avulsion",
)


@dataclass(slots=True)
class Reader:
    """Read once per request; the lists fill up as the resource types are read in turn."""

    evidence: Evidence
    codes: Codes
    dates: Dates
    today: date
    nonspecific_counts: bool
    #: Condition/id -> what it is as a reason; not of those whose code says nothing
    conditions: dict[str, Reason] = field(default_factory=dict)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)
    care: list[Care] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    filtration: list[Filtration] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    noted: list[Note] = field(default_factory=list)
    #: records that may speak against an NSAID and cannot be made out
    doubts: list[str] = field(default_factory=list)

    def note(self, resource: Resource, reason: str) -> None:
        self.noted.append(Note(resource.reference, reason, resource.path))

    def not_recognised(self, resource: Resource, known: Known) -> None:
        """List a record that is for the hamstring though its code (`known`) is not."""
        raw = resource.raw
        unsited = raw.get("bodySite") is None
        unexplained = raw.get("reasonCode") is None and raw.get("reasonReference") is None
        if known.silent and unsited and unexplained:
            return  # as nearly all are
        if raw.get("status") in ("entered-in-error", "not-done", "revoked", "cancelled"):
            return
        words = not known.silent and any(map(text.mentions_hamstring, texts(raw.get("code"))))
        if words or self._for_hamstring(raw):
            reason = "for the hamstring, but its code is not recognised"
            self.noted.append(Note(resource.reference, reason, resource.path, unrecognised=True))

    def _for_hamstring(self, raw: Mapping[str, Any]) -> bool:
        at_origin = self.site(raw.get("bodySite")).place is Place.ORIGIN
        return at_origin or self.reason(Sound(raw)) is Reason.PHT

    def cannot_read(self, resource: Resource, fault: Fault, *, surgery: bool = False) -> None:
        path = resource.at(fault.element)
        self.unreadable.append(
            Unreadable(resource.type, resource.reference, path, fault.reason, surgery)
        )

    def site(self, *sites: Any) -> Site:
        return self.codes.site(site for listed in sites for site in items(listed))

    def named_elsewhere(self, site: Site, element: Sound, code: Any) -> Site:
        """The site; where it is not recognised, another region in the words of the code itself.

        'Steroid injection, left elbow' states a site as well. A reason that may be PHT says
        otherwise, and a record that was not read may be.
        """
        known = site.place not in (Place.NOT_STATED, Place.UNRECOGNISED)
        if known or not any(map(self.codes.targets_other_region, items(code))):
            return site
        reason = self.reason(element)
        unread = reason is Reason.UNRECOGNISED and element.get("reasonReference")
        if unread or reason in (Reason.PHT, Reason.NEAR):
            return site
        return replace(site, place=Place.ELSEWHERE, recognised_by="text of the code")

    def reason(self, element: Sound) -> Reason:
        """What reasonCode and reasonReference say about PHT."""
        stated = [self.reason_code(one) for one in items(element.get("reasonCode"))]
        stated += [self._reason_reference(one) for one in items(element.get("reasonReference"))]
        return min(stated, key=_ORDER.index, default=Reason.NOT_STATED)

    def addresses(self, references: Any) -> Reason:
        """What the conditions a plan or goal addresses say about PHT."""
        stated = [self._reason_reference(one) for one in items(references)]
        return min(stated, key=_ORDER.index, default=Reason.NOT_STATED)

    def reason_code(self, concept: Any, sites: Any = None) -> Reason:
        known = self.codes.known(concept)
        found = recognise(
            self.codes, concept, sites, known, nonspecific_counts=self.nonspecific_counts
        )
        if found.kind in _REASONS:
            return _REASONS[found.kind]
        return self.other_reason(concept)

    def other_reason(self, concept: Any) -> Reason:
        """A reason that is not PHT. Of ICD-10-CM every code that may be PHT is known (G1a)."""
        known = self.codes.known(concept)
        listed = any(known.within(name, None) for name in OTHER_REASONS)
        if known.complete or listed:
            return Reason.ELSEWHERE
        return Reason.WORDED if names_other_region(texts(concept)) else Reason.UNRECOGNISED

    def _reason_reference(self, reference: Any) -> Reason:
        target = reference.get("reference") if isinstance(reference, Mapping) else None
        if not isinstance(target, str):
            return Reason.UNRECOGNISED
        named = self.evidence.named.get(target) or self.evidence.named.get(relative(target))
        known = self.conditions.get(named.reference if named else relative(target))
        if known is None and named and named.type == "Condition":
            return self.reason_code(named.raw.get("code"), named.raw.get("bodySite"))
        return known or Reason.UNRECOGNISED

    def sided(self, site: Site, element: Sound) -> Site:
        """The site; where it names no side, with the side of the diagnosis it is done for."""
        if site.side is not NOT_STATED:
            return site
        named = self.links(element.get("reasonReference"))
        sides = {d.side for d in self.diagnoses if d.reference in named}
        return replace(site, side=sides.pop()) if len(sides) == 1 else site

    def links(self, *references: Any) -> frozenset[str]:
        """The records these references name, as 'Type/id'."""
        found = set()
        for listed in references:
            for one in items(listed):
                target = one.get("reference") if isinstance(one, Mapping) else None
                if isinstance(target, str):
                    named = self.evidence.named.get(target)
                    found.add(named.reference if named else relative(target))
        return frozenset(found)

    def during_disease(self, when: When | None) -> Answer:
        return during_disease(self.diagnoses, when, self.today)

    def past(self, resource: Resource, span: Span | None) -> tuple[Span, bool]:
        """The part of a span up to today, and whether any of it has begun.

        What lies in the future is planned, not given (G4).
        """
        if span is None or span.start is None:
            return Span(None, span.end if span else None), True
        start = span.start.not_after(self.today)
        if start is None:
            self.note(resource, "dated in the future: planned, not given")
            return span, False
        end = span.end.not_after(self.today) if span.end else None
        return Span(start, end, span.single), True
