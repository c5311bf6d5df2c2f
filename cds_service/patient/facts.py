"""What was read from the record, each fact with where it stands.

Made by `cds_service.fhir.read`; everything later works on these alone. A fact that could not be
made out is not dropped: it stands in `Facts.noted` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cached_property

from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where a fact stands: FHIR reference, plain words for what it is, how it was recognised."""

    reference: str
    label: str
    recognised_by: str = ""
    #: direct references to other records: partOf, request, basedOn; of an order its reasons
    links: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    reference: str
    born: When | None
    deceased: bool = False

    def age(self, today: date) -> tuple[int, int] | None:
        """Completed years today, as (least, most); None without a birth date."""
        if self.born is None:
            return None
        return _years(self.born.latest, today), _years(self.born.earliest, today)


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis(Record):
    """A Condition that is PHT (`certain`) or possibly PHT (G1a), not refuted (G1)."""

    certain: bool
    side: Laterality
    #: YES active, NO over, UNKNOWN when an encounter diagnosis has no usable date
    active: Answer
    onset: When | None
    recorded: When | None
    abated: When | None
    encounter_only: bool = False
    #: an encounter diagnosis that states no clinical status (G3)
    status_missing: bool = False
    #: `recorded` is today, since it is being added and does not say
    assumed: bool = False

    @property
    def start(self) -> When | None:
        return self.onset or self.recorded

    @property
    def diagnosed(self) -> When | None:
        return self.recorded or self.onset


class Place(Enum):
    """What a body site or dosage site says about the hamstring origin."""

    ORIGIN = "hamstring origin"
    ISCHIUM = "ischium"
    REGION = "buttock or thigh"
    NEAR = "a neighbouring site"
    WORDED = "a site whose words may name the hamstring"
    UNRECOGNISED = "a site not recognised"
    ELSEWHERE = "another site"
    NOT_STATED = "no site stated"


class Reason(Enum):
    """What the stated reason (reasonCode, reasonReference) says about PHT."""

    PHT = "PHT"
    NEAR = "a condition that may be PHT"
    UNRECOGNISED = "a reason not recognised"
    ELSEWHERE = "another condition"
    WORDED = "another condition, by its words alone"
    NOT_STATED = "no reason stated"

    @property
    def elsewhere(self) -> bool:
        return self in (Reason.ELSEWHERE, Reason.WORDED)


class Given(Enum):
    """How a record stands to the act it names."""

    DONE = "given"
    PERHAPS = "perhaps given"
    ORDERED = "order completed"  # a completed order: given, or not (G4)
    ACTIVE = "ordered, not yet given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection(Record):
    """One record of what may be a local steroid injection at the hamstring origin (G5)."""

    given: Given
    when: When | None
    side: Laterality
    steroid: Answer
    local: Answer
    at_origin: Answer
    why_not: str = ""
    patient_reported: bool = False
    #: neither site nor reason stated
    unsited: bool = False

    @property
    def excluded(self) -> bool:
        return NO in (self.steroid, self.local, self.at_origin)


class CareKind(Enum):
    LOADING = "loading programme"
    UNSPECIFIED = "physiotherapy, content not recorded"
    PASSIVE = "passive treatment"
    LOAD_MANAGEMENT = "load management"
    NSAID = "NSAID"
    SHOCKWAVE = "shockwave"
    PRP = "platelet-rich plasma"
    WHOLE_BLOOD = "autologous whole blood"
    SURGERY = "surgery"


@dataclass(frozen=True, kw_only=True)
class Care(Record):
    """Treatment over a time: from `start` to `end`, or still going on (`ongoing`)."""

    kind: CareKind
    start: When | None
    end: When | None
    side: Laterality
    ongoing: bool = False
    given: Given = Given.DONE
    #: a site or reason is stated that is not understood: perhaps not for PHT
    unclear: bool = False
    #: NSAID only: whole body, or a gel or patch
    systemic: bool = True
    #: NSAID only: the order states another reason for it
    other_indication: bool = False
    #: NSAID only: the drug, and its highest daily dose in mg (None: not computable)
    ingredient: str = ""
    daily_mg: float | None = None
    dose_problem: str = ""
    #: NSAID only: the record states a supply or taking period, not only when it was written
    supplied: bool = False
    #: NSAID only: the active order itself, which a suggestion may stop
    order: DraftResource | None = field(default=None, compare=False)

    @cached_property
    def dates(self) -> str:
        """'2026-03-02', '2026-03-02 to 2026-04', '2026-03-02 and going on'; '' when undated."""
        if self.start is None:
            return ""
        if self.ongoing:
            return f"{self.start} and going on"
        ends = self.end is not None and self.end != self.start
        return f"{self.start} to {self.end}" if ends else str(self.start)


class Specialty(Enum):
    SURGICAL = "surgical opinion"
    PHYSIO = "physiotherapy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral(Record):
    specialty: Specialty
    status: str
    when: When | None
    side: Laterality
    #: NO when the order names another site or reason
    concerns_pht: Answer


class Instrument(Enum):
    VISA_H = "VISA-H"
    PAIN = "pain (0-10)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Record):
    instrument: Instrument
    value: float
    when: When
    side: Laterality
    #: for order within one day, when the record has a time
    instant: str = ""


class Caution(Enum):
    """Reasons against an oral NSAID, any NSAID or shockwave (G16 and the NSAID gate)."""

    PREGNANCY = "pregnancy"
    KIDNEY_DISEASE = "chronic kidney disease"
    GI_BLEED = "gastrointestinal bleeding or peptic ulcer"
    HEART_FAILURE = "heart failure"
    CIRRHOSIS = "cirrhosis"
    CARDIOVASCULAR = "myocardial infarction, stroke or ischaemic heart disease"
    ANTICOAGULANT = "anticoagulant"
    NSAID_ALLERGY = "allergy or intolerance to an NSAID or aspirin"
    COAGULOPATHY = "coagulation disorder"
    MALIGNANCY = "malignancy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """A comorbidity, allergy or order that speaks against a treatment, true today."""

    caution: Caution
    when: When | None
    #: malignancy: it names the hamstring region
    at_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtration(Record):
    """An eGFR, in mL/min/1.73 m2; `comparator` as FHIR has it: "<", "<=", ">", ">=" or none."""

    value: float
    when: When
    comparator: str = ""

    def under(self, limit: float) -> Answer:
        """Whether it is below `limit`; a bound that lies on the other side does not tell."""
        if self.comparator in (">", ">="):
            return NO if self.value >= limit else UNKNOWN
        below = self.value < limit or (self.comparator == "<" and self.value == limit)
        if self.comparator and not below:
            return UNKNOWN
        return Answer.of(below)

    def __str__(self) -> str:
        """'eGFR >59'."""
        return f"eGFR {self.comparator}{self.value:g}"


class FlagKind(Enum):
    """Findings that question the diagnosis (red-flag-differential) or the injection."""

    AVULSION = "complete avulsion of the proximal hamstring"
    AVULSION_FRACTURE = "avulsion fracture of the ischium"
    TEAR = "rupture or high-grade tear of the hamstring origin"
    ACUTE_POP = "acute pop with bruising"
    NEURO_DEFICIT = "neurological deficit of the leg"
    CAUDA_EQUINA = "suspected cauda equina syndrome"
    MALIGNANCY = "suspected malignancy of the pelvis or thigh"
    BONE_STRESS = "bone stress injury of the ischium or femur"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Record):
    """A coded, unrefuted, active finding. `observed`: from an Observation, which ages.

    `visited`: an encounter diagnosis that states no clinical status, `recorded` when (G3).
    """

    kind: FlagKind
    side: Laterality
    when: When | None
    observed: bool = False
    visited: bool = False
    recorded: When | None = None


class MeasureKind(Enum):
    """What return to activity is judged by, and whether aggravating activity goes on."""

    PAIN_DURING = "pain during activity"
    PAIN_AFTER = "pain after activity"
    ROM_DEFICIT = "range of motion against the other side"
    STRENGTH = "strength symmetry"
    FUNCTIONAL_TESTS = "sport-specific functional tests"
    AGGRAVATING = "aggravating activity continues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Record):
    """`value`: 0-10, degrees, percent of the other side; True or False for tests and activity."""

    kind: MeasureKind
    value: float | bool
    when: When
    side: Laterality
    instant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal(Record):
    """An active goal of return to full activity; `side` where it names one."""

    side: Laterality
    when: When | None


class OrderKind(Enum):
    STEROID = "steroid injection"
    PRP = "platelet-rich plasma injection"
    WHOLE_BLOOD = "autologous whole-blood injection"
    SHOCKWAVE = "shockwave"
    NSAID = "NSAID"
    CLEARANCE = "clearance for full activity"


@dataclass(frozen=True, slots=True)
class DraftResource:
    """An order as the EHR sent it: `reference` such as ServiceRequest/d1, and the whole resource.

    `placed`: it is no draft but an order placed before, to be withdrawn rather than deleted.
    """

    reference: str
    raw: Mapping[str, object]
    placed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Record):
    """An order about to be signed; linked drafts of one side are one order (G4).

    `planned`: its occurrence, never before today; `stated`: the occurrences as its drafts name
    them. `injections`: 1, more with repeats allowed.
    `steroid`, `local`: YES, NO or UNKNOWN (G5); `concerns_pht`: NO when aimed elsewhere.
    """

    kind: OrderKind
    drafts: tuple[DraftResource, ...]
    side: Laterality
    planned: When
    stated: tuple[When, ...] = ()
    at_origin: Answer
    concerns_pht: Answer = YES
    steroid: Answer = YES
    local: Answer = YES
    injections: int = 1
    #: it states a site or reason that is not known: perhaps not the hamstring
    unclear: bool = False
    #: NSAID: active ingredient, whole body or not, by mouth as far as is known, highest daily dose
    #: in mg (None: not computable)
    ingredient: str = ""
    systemic: bool = True
    oral: bool = True
    daily_mg: float | None = None
    dose_problem: str = ""
    other_indication: bool = False
    #: NSAID: the product's own name, which carries its strength, where the code names a product
    product: str = ""
    #: the prescription it takes the place of, as 'MedicationRequest/id'
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Note:
    """A record that was looked at and not used, or could not be read: never silently dropped."""

    reference: str
    reason: str
    path: str = ""
    #: for the hamstring by site, reason or words, but its code says nothing this service knows
    unrecognised: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A relevant record whose needed elements are malformed. `surgery`: it may be an operation."""

    resource_type: str
    reference: str
    path: str
    reason: str
    surgery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    patient: Patient
    diagnoses: tuple[Diagnosis, ...] = ()
    injections: tuple[Injection, ...] = ()
    care: tuple[Care, ...] = ()
    referrals: tuple[Referral, ...] = ()
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    filtration: tuple[Filtration, ...] = ()
    flags: tuple[Flag, ...] = ()
    measures: tuple[Measure, ...] = ()
    goals: tuple[Goal, ...] = ()
    #: what is being ordered in this call; empty for patient-view
    orders: tuple[Order, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    #: what may speak against an NSAID and cannot be made out: the gate stays closed
    doubts: tuple[str, ...] = ()
    #: looked relevant, left out, with the reason
    noted: tuple[Note, ...] = ()
    #: resource type -> why it could not be obtained; absent = obtained (perhaps empty)
    missing: Mapping[str, str] = field(default_factory=dict)
