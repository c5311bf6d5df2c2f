"""One act as its record tells it: what, where, when, why, and how far it got."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from cds_service.fhir.codes import Known, Site, by
from cds_service.fhir.dates import Span
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound
from cds_service.fhir.steroids import Answers, why_not
from cds_service.patient.facts import Care, CareKind, Given, Injection, Place, Reason
from cds_service.patient.origin import at_hamstring_origin, concerns_pht
from cds_service.patient.when import Answer, When
from cds_service.terminology import Concept


@dataclass(kw_only=True)
class Act:
    """`element`: the sound elements; `known`: what the code means; `span`: the part up to today."""

    reader: Reader
    resource: Resource
    element: Sound
    known: Known
    site: Site
    span: Span
    status: str | None
    given: Given = Given.DONE
    ongoing: bool = False

    @cached_property
    def reason(self) -> Reason:
        return self.reader.reason(self.element)

    @cached_property
    def concerns_pht(self) -> Answer:
        return concerns_pht(self.site.place, self.reason)

    @property
    def day(self) -> When | None:
        """When an act of one day was done: some day of its period."""
        if self.span.start and self.span.end:
            return self.span.start.through(self.span.end)
        return self.span.start

    def note(self, reason: str) -> None:
        self.reader.note(self.resource, reason)

    def add_care(self, kind: CareKind, concept: Concept, label: str = "") -> None:
        self.reader.care.append(
            Care(
                reference=self.resource.reference,
                label=label or concept.words,
                recognised_by=by(concept),
                kind=kind,
                start=self.span.start,
                end=self.span.end,
                side=self.site.side,
                given=self.given,
                ongoing=self.ongoing,
                unclear=self.site.place in (Place.NEAR, Place.WORDED, Place.UNRECOGNISED)
                or self.reason in (Reason.UNRECOGNISED, Reason.WORDED),
            )
        )

    def add_injection(
        self,
        label: str,
        known_by: str,
        answers: Answers,
        *,
        when: When | None,
        patient_reported: bool = False,
        links: Iterable[str] = (),
    ) -> None:
        """An Injection fact with its third question answered (G5) and the reason if it is out."""
        at_origin = at_hamstring_origin(
            self.site.place, self.reason, self.reader.during_disease(when)
        )
        self.reader.injections.append(
            Injection(
                reference=self.resource.reference,
                label=label,
                recognised_by=known_by,
                links=frozenset(links),
                given=self.given,
                when=when,
                side=self.site.side,
                steroid=answers.steroid,
                local=answers.local,
                at_origin=at_origin,
                why_not=why_not(answers, at_origin, self.site.place, self.reason),
                patient_reported=patient_reported,
                unsited=self.site.place is Place.NOT_STATED and self.reason is Reason.NOT_STATED,
            )
        )
