"""The timeline of one side: what happened when, and whether it surely belongs here.

`Timeline` lays out the whole patient, `SideTimeline` answers the questions rules ask of one
side. Thresholds come from the guideline as `Limits`; nothing here knows a number of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from cds_service.patient.episode import Episode, episodes
from cds_service.patient.facts import (
    Care,
    CareKind,
    Facts,
    Given,
    Injection,
    Measure,
    MeasureKind,
    Note,
    Order,
    Referral,
    Score,
    Specialty,
)
from cds_service.patient.injections import Event, merge, of_order, with_doubt
from cds_service.patient.loading import Clock, Span, clipped, clock
from cds_service.patient.origin import during_disease
from cds_service.patient.sides import BOTH, LEFT, NOT_STATED, RIGHT, Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Days, from the guideline's conventions (G3, G4, G13)."""

    same_injection: int
    order_before_injection: int
    loading_gap: int
    encounter_diagnosis: int


@dataclass(frozen=True, slots=True)
class Treatment:
    """Any non-surgical treatment (G13) and when it began."""

    reference: str
    label: str
    start: When


class Timeline:
    """All sides of one patient. `injections` are merged events (G4), `left_out` says why not."""

    def __init__(self, facts: Facts, today: date, limits: Limits) -> None:
        self.facts, self.today, self.limits = facts, today, limits
        self.episodes = episodes(
            facts.diagnoses,
            today,
            limits.encounter_diagnosis,
            both_sides=_both(self._recorded | {d.side for d in facts.diagnoses if d.certain}),
        )
        self.injections, self.left_out = merge(
            facts.injections,
            same_days=limits.same_injection,
            order_days=limits.order_before_injection,
        )
        self.sides = tuple(SideTimeline(self, episode) for episode in self.episodes)

    @property
    def bilateral(self) -> bool:
        return len(self.episodes) > 1

    @cached_property
    def records_name_both_sides(self) -> bool:
        """Records for the hamstring name left and right: one of unknown side may be either."""
        return _both(self._recorded)

    @cached_property
    def _recorded(self) -> set[Laterality]:
        """The sides of what was done; that of a diagnosis which may be over is not among them."""
        sides = {i.side for i in self.facts.injections if not i.excluded}
        sides |= {c.side for c in self.facts.care}
        return sides | {r.side for r in self.facts.referrals if r.concerns_pht is not NO}

    def side(self, wanted: Laterality) -> SideTimeline:
        """The timeline of a side an order names, with or without a current episode there.

        An episode whose side is not stated applies to whichever side an order names (G3).
        """
        for one in self.sides:
            if one.side is wanted:
                return one
        unsided = [e for e in self.episodes if e.side is NOT_STATED]
        if unsided:
            lent = Episode(wanted, unsided[0].diagnoses, unsided[0].active)
            return SideTimeline(self, lent, lent=True)
        return SideTimeline(self, Episode(wanted, (), NO))

    def notes(self) -> tuple[Note, ...]:
        signed = [e for order in self.facts.orders for e in of_order(self.injections, order)]
        own = (Note(e.records[0].reference, "given by the order being signed") for e in signed)
        return (*self.left_out, *own, *self.facts.noted)


def _both(sides: set[Laterality]) -> bool:
    return BOTH in sides or {LEFT, RIGHT} <= sides


class SideTimeline:
    """What happened on one side, in and before its current episode."""

    def __init__(self, patient: Timeline, episode: Episode, *, lent: bool = False) -> None:
        self._patient, self.episode, self._lent = patient, episode, lent
        self.today = patient.today

    @property
    def side(self) -> Laterality:
        return self.episode.side

    def in_episode(self, when: When | None) -> Answer:
        """On or after the start of the episode; NO when there is none."""
        if not self.episode.diagnoses:
            return NO
        if when is None or self.episode.start is None:
            return UNKNOWN
        return self.episode.start.days_until(when).at_least(0)

    def concerns(self, side: Laterality) -> Answer:
        """Whether a record of that side, or of none, concerns this side (G13: 'or no side')."""
        if side is NOT_STATED:
            return YES
        if self.side is NOT_STATED:
            return UNKNOWN if self._patient.records_name_both_sides else YES
        return side.covers(self.side)

    # --- steroid injections (G4, G5) ---

    @cached_property
    def injections(self) -> tuple[Event, ...]:
        """Injections of this side; one that may be of the other side is only possible."""
        found = []
        for event in self._patient.injections:
            answer = self._injected_here(event)
            if answer is YES:
                found.append(event)
            elif answer is UNKNOWN:
                found.append(with_doubt(event, "the record does not say which side"))
        return tuple(found)

    def _injected_here(self, event: Event) -> Answer:
        """No side: the diseased side if only one was diseased then, else possible for both."""
        if event.side is not NOT_STATED or self.side is NOT_STATED:
            unsure = self._lent and self._patient.records_name_both_sides
            return self.concerns(event.side) & (UNKNOWN if unsure else YES)
        others = [d for d in self._patient.facts.diagnoses if d.side.covers(self.side.other) is YES]
        return YES if during_disease(others, event.when, self.today) is NO else UNKNOWN

    def before(self, order: Order) -> SideTimeline:
        """The side as it stood before the order was carried out."""
        own = of_order(self.injections, order)
        if not own:
            return self
        made = SideTimeline(self._patient, self.episode, lent=self._lent)
        made.injections = tuple(event for event in self.injections if event not in own)
        return made

    @cached_property
    def pending_injections(self) -> tuple[Injection, ...]:
        """Steroid injections ordered, not yet given."""
        return tuple(
            record
            for record in self._patient.facts.injections
            if record.given is Given.ACTIVE
            and not record.excluded
            and self.concerns(record.side) is not NO
        )

    # --- care ---

    def care(self, *kinds: CareKind) -> tuple[Care, ...]:
        """Care of this side or no side, of any date not in the future."""
        return tuple(
            care
            for care in self._patient.facts.care
            if care.kind in kinds and self.concerns(care.side) is not NO
        )

    def reaches_episode(self, care: Care) -> Answer:
        """The care, or part of it, took place in the episode."""
        if care.ongoing:
            return YES if self.episode.start is not None else UNKNOWN
        end = care.end or care.start
        if care.end is None and care.start is not None:
            end = When(care.start.earliest, max(care.start.latest, self.today))
        return self.in_episode(end)

    @property
    def unseen_plans(self) -> str:
        """Why care plans that may hold loading are not known; empty when they are."""
        facts = self._patient.facts
        if "CarePlan" in facts.missing:
            return "care plans could not be obtained"
        broken = [u.reference for u in facts.unreadable if u.resource_type == "CarePlan"]
        return f"{broken[0]} cannot be read" if broken else ""

    @cached_property
    def loading(self) -> tuple[Care, ...]:
        """Loading records that may belong to the episode."""
        records = self.care(CareKind.LOADING)
        return tuple(care for care in records if self.reaches_episode(care) is not NO)

    @cached_property
    def unspecified_physiotherapy(self) -> tuple[Care, ...]:
        """Possible loading: physiotherapy whose content and site are not recorded (G11)."""
        records = self.care(CareKind.UNSPECIFIED)
        return tuple(care for care in records if self.reaches_episode(care) is not NO)

    @cached_property
    def clock(self) -> Clock | None:
        return self.clock_on(self.today)

    def clock_on(self, day: date) -> Clock | None:
        """The loading clock as it stands, or will stand when loading goes on, on that day."""
        spans = [
            Span(
                care.reference,
                clipped(care.start, self.episode.start),
                care.end,
                care.ongoing,
                (self.reaches_episode(care) & self.concerns(care.side)) is YES,
            )
            for care in self.loading
            if care.start is not None
        ]
        return clock(spans, day, self._patient.limits.loading_gap)

    def began(self, kinds: Iterable[CareKind], *, steroids: bool) -> tuple[Treatment, ...]:
        """Treatments (G13) that certainly began within the episode, of this side or no side."""
        found = [
            Treatment(care.reference, care.label, care.start)
            for care in self.care(*kinds)
            if care.start is not None
            and not care.other_indication
            and not care.unclear
            and care.given is Given.DONE
            and (self.in_episode(care.start) & self.concerns(care.side)) is YES
        ]
        if steroids:
            found += [
                Treatment(event.records[0].reference, event.records[0].label, event.when)
                for event in self.injections
                if event.when is not None and self.in_episode(event.when) is YES
            ]
        return tuple(sorted(found, key=lambda t: (t.start.latest, t.reference)))

    # --- surgery, referrals, scores ---

    @cached_property
    def surgery(self) -> tuple[Care, ...]:
        """Hamstring surgery that may lie on this side in this episode (G2, G15)."""
        return tuple(
            care
            for care in self._patient.facts.care
            if care.kind is CareKind.SURGERY
            and self._operated_here(care) is not NO
            and self.in_episode(care.start) is not NO
        )

    def _operated_here(self, care: Care) -> Answer:
        if care.side is NOT_STATED:
            return Answer.of(not self._patient.bilateral)
        return self.concerns(care.side)

    def referrals(self, specialty: Specialty) -> tuple[Referral, ...]:
        """Referrals not for the other side and not for another site or reason."""
        return tuple(
            referral
            for referral in self._patient.facts.referrals
            if referral.specialty is specialty
            and self.concerns(referral.side) is not NO
            and referral.concerns_pht is not NO
        )

    def latest_measure(self, kind: MeasureKind) -> Measure | None:
        """The latest value of its kind, of this side or no side; on one day the later time."""
        found = [
            measure
            for measure in self._patient.facts.measures
            if measure.kind is kind and self.concerns(measure.side) is not NO
        ]
        return max(found, key=lambda m: (m.when.latest, m.instant, m.reference), default=None)

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Scores of the episode, of this side or no side."""
        return tuple(
            score
            for score in self._patient.facts.scores
            if self.concerns(score.side) is not NO and self.in_episode(score.when) is YES
        )
