"""What a recommendation is, and what it answers.

A rule asks criteria; each criterion answers YES, NO or UNKNOWN and says on what facts. A rule
fires when all its criteria are YES. Why it fired and why it did not are the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from cds_service.guideline.evidence import Parameter, Source
from cds_service.guideline.header import Header
from cds_service.patient.facts import DraftResource, OrderKind
from cds_service.patient.sides import NOT_STATED, Laterality
from cds_service.patient.when import NO, YES, Answer

if TYPE_CHECKING:
    from cds_service.guideline.case import Case

Indicator = Literal["info", "warning", "critical"]


class Used(NamedTuple):
    """A fact a criterion stands on. A tuple, as a criterion is: hundreds are made and compared."""

    reference: str
    words: str
    when: str = ""
    certain: bool = True
    doubts: tuple[str, ...] = ()
    recognised_by: str = ""
    #: further records of the same fact
    also: tuple[str, ...] = ()
    #: the day on record, where `when` is another: what states none is planned, or recorded, today
    stated: str | None = None


class Criterion(NamedTuple):
    """`question` in the guideline's words, `because` what the record shows."""

    question: str
    answer: Answer
    because: str
    facts: tuple[Used, ...] = ()


class Treat(Enum):
    """What a suggestion would write; the resource itself is made in cds_service.fhir.write."""

    SURGICAL_REFERRAL = "referral for a surgical opinion"
    PHYSIOTHERAPY = "referral to physiotherapy for progressive loading"
    PHYSIOTHERAPY_REVIEW = "physiotherapy review of the loading programme"
    MRI = "MRI of the hamstring origin"
    SHOCKWAVE = "shockwave therapy"
    LOAD_MANAGEMENT = "care plan for load management"
    VISA_H = "VISA-H score"
    TOPICAL_NSAID = "topical NSAID"
    IBUPROFEN = "short course of ibuprofen"
    PARACETAMOL = "paracetamol"
    URGENT_SURGICAL_REFERRAL = "urgent referral for a surgical opinion"
    RETEST = "strength and functional testing"
    LUMBAR_MRI = "MRI of the lumbar spine"
    EMERGENCY_REFERRAL = "emergency referral"


class Change(Enum):
    """How a suggestion changes the draft being ordered."""

    DELETE = "delete the draft, or withdraw the order placed before"
    POSTPONE = "move the draft to a later day"
    REDUCE_DOSE = "lower the dose of the draft"
    GRADE = "make the clearance a graded return"
    STOP = "stop the active order"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Either a new resource (`treat`) or a change of the drafts themselves."""

    label: str
    treat: Treat | None = None
    recommended: bool = False
    change: Change | None = None
    drafts: tuple[DraftResource, ...] = ()
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The words of a card. `summary` under 140 characters; the rest are Markdown sentences.

    `ask` is what the clinician may do, first; `facts` what it stands on, with dates; `source`
    what the source and the literature say; `unknown` what is missing.
    """

    summary: str
    ask: str
    facts: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way a rule can fire; `name` is empty for a rule that has only one."""

    name: str
    indicator: Indicator
    criteria: tuple[Criterion, ...]
    advise: Callable[[], Advice]


class State(Enum):
    FIRED = "fired"
    NOT_MET = "not met"
    UNKNOWN = "unknown"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A rule's answer for one side: why, or why not."""

    rule: str
    side: Laterality = NOT_STATED
    state: State
    variant: str = ""
    indicator: Indicator = "info"
    criteria: tuple[Criterion, ...] = ()
    advice: Advice | None = None
    #: for choosing between two sides of one rule: the more pressing first
    weight: float = 0
    #: the drafts of the order it speaks of
    about: tuple[str, ...] = ()


def judge(
    rule: str,
    side: Laterality,
    common: Sequence[Criterion],
    variants: Sequence[Variant],
    weight: float = 0,
    *,
    about: tuple[str, ...] = (),
) -> Outcome:
    """The first variant whose criteria are all YES fires; otherwise all reasons why not."""
    for variant in variants:
        criteria = (*common, *variant.criteria)
        if all(criterion.answer is YES for criterion in criteria):
            return Outcome(
                rule=rule,
                side=side,
                state=State.FIRED,
                variant=variant.name,
                indicator=variant.indicator,
                criteria=criteria,
                advice=variant.advise(),
                weight=weight,
                about=about,
            )
    return Outcome(
        rule=rule,
        side=side,
        state=_why_not(common, variants),
        criteria=_asked(common, variants),
        about=about,
    )


def _why_not(common: Sequence[Criterion], variants: Sequence[Variant]) -> State:
    """UNKNOWN when some variant lacks only what is unknown."""
    for variant in variants:
        if all(c.answer is not NO for c in (*common, *variant.criteria)):
            return State.UNKNOWN
    return State.NOT_MET


def _asked(common: Sequence[Criterion], variants: Sequence[Variant]) -> tuple[Criterion, ...]:
    asked = [*common, *(c for variant in variants for c in variant.criteria)]
    return tuple(dict.fromkeys(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One rule of the guideline: what the source says, when it fires, and how it is judged.

    `needs`: resource types it cannot be judged without; of a group one is enough.
    `pathway`: shares the one pathway card of an answer (G8).
    `at_most_one`: its suggestions exclude each other.
    """

    header: Header
    needs: tuple[tuple[str, ...], ...]
    parameters: tuple[Parameter, ...]
    override_reasons: tuple[str, ...]
    sources: tuple[Source, ...]
    assess: Callable[[Case], list[Outcome]]
    pathway: bool = False
    at_most_one: bool = False
    external: bool = False
    #: kinds of order it speaks of; at an order hook it is asked only about these
    orders: tuple[OrderKind, ...] = ()
    #: rules that silence this one when they fire for the same order, or for a pathway rule at all
    yields_to: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def title(self) -> str:
        return self.header.title
