"""Condition -> diagnosis of PHT, or what else it is (guideline G1, G1a, G3).

No standard code names proximal hamstring tendinopathy, so text decides in a real EHR. Every way
of recognising it is written down in `recognised_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from cds_service.fhir.codes import Codes, Known, Site, by, first_code, items, status_of, texts
from cds_service.fhir.dates import Dates
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import Diagnosis, Place, Unreadable
from cds_service.patient.sides import Laterality
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When
from cds_service.terminology import Concept, text

NEEDED = (
    "clinicalStatus",
    "verificationStatus",
    "category",
    "code",
    "bodySite",
    "onsetDateTime",
    "onsetAge",
    "onsetPeriod",
    "onsetRange",
    "onsetString",
    "abatementDateTime",
    "abatementAge",
    "abatementPeriod",
    "abatementRange",
    "abatementString",
    "recordedDate",
)
#: what must be readable in a condition that may be PHT; `category` only tells list from encounter
DECISIVE = tuple(name for name in NEEDED if name != "category")
#: of a disease that is over the dates no longer decide
STATUS = ("clinicalStatus", "verificationStatus", "code", "bodySite")
NOT_HAD = ("refuted", "entered-in-error", "differential")
RECURRED = ("recurrence", "relapse")
ACTIVE = ("active", *RECURRED)
OVER = ("inactive", "remission", "resolved")


class Kind(Enum):
    PHT = "PHT"
    POSSIBLE = "possibly PHT"
    NEIGHBOUR = "a neighbour code without a confirming site or text"
    STRAIN = "another hamstring injury"
    OTHER = "another condition"


@dataclass(frozen=True, slots=True)
class Recognised:
    kind: Kind
    how: str
    site: Site


def recognise(
    codes: Codes, concept: Any, body_sites: Any, known: Known, *, nonspecific_counts: bool
) -> Recognised:
    """What a condition code (`known`: its value sets) and its body sites say about PHT (G1a)."""
    site = codes.site(items(body_sites))
    kind, how = _kind(known, concept, site, nonspecific_counts)
    return Recognised(kind, how, site)


def _kind(known: Known, concept: Any, site: Site, nonspecific_counts: bool) -> tuple[Kind, str]:
    if local := _named(known):
        return Kind.PHT, by(local)
    words = () if _text_doubts(concept) else tuple(texts(concept))
    if any(text.names_pht(one) for one in words):
        return Kind.PHT, "curated phrase in the text or display"
    if coded := known.within("pht-condition") or known.within("pht-condition", "neighbour"):
        return _confirmed(coded, words, site, nonspecific_counts)
    if strain := known.within("hamstring-strain-rupture-avulsion", None):
        return Kind.STRAIN, by(strain)
    return Kind.OTHER, ""


def _confirmed(
    coded: Concept, words: tuple[str, ...], site: Site, nonspecific_counts: bool
) -> tuple[Kind, str]:
    """A code that names no tendon needs a confirming site or text (G1a, 3)."""
    if site.place in (Place.ORIGIN, Place.ISCHIUM):
        return Kind.PHT, f"{by(coded)}, confirmed by body site"
    if any(text.confirms_hamstring(one) for one in words):
        return Kind.PHT, f"{by(coded)}, confirmed by text"
    if coded.role == "neighbour":
        return Kind.NEIGHBOUR, by(coded)
    counts = Kind.PHT if nonspecific_counts else Kind.POSSIBLE
    return counts, f"{by(coded)}, which alone names no tendon"


def _named(known: Known) -> Concept | None:
    """The service's own code, or one a site configured for the value set `pht`."""
    for concept in known.concepts:
        own = concept.value_set == "local-condition" and concept.code == "pht"
        if own or concept.value_set == "pht":
            return concept
    return None


def _text_doubts(concept: Any) -> bool:
    """The clinician's own text doubts the hamstring: the display of a code does not overrule it."""
    words = concept.get("text") if isinstance(concept, dict) else None
    return isinstance(words, str) and text.mentions_hamstring(words) and text.is_doubted(words)


def side(codes: Codes, concept: Any, site: Site) -> Laterality:
    """Body site, ICD-10-CM digit, side words; sources that conflict leave it unknown (G1a)."""
    coded = codes.coded_side(codes.known(concept))
    words = codes.side([{"text": " ".join(texts(concept))}])
    return Laterality.agreed((site.side, coded, words))


def read(
    resource: Resource, codes: Codes, dates: Dates, found: Recognised
) -> Diagnosis | Unreadable | None:
    """A Condition that may be PHT; None when refuted, entered in error or a differential."""
    element = sound("Condition", resource.raw, NEEDED)
    if status_of(element.get("verificationStatus"), NOT_HAD) in NOT_HAD:
        return None
    over = status_of(element.get("clinicalStatus"), (*ACTIVE, *OVER)) in OVER
    fault = element.fault_in(*(STATUS if over else DECISIVE))
    if fault:
        return Unreadable("Condition", resource.reference, resource.at(fault.element), fault.reason)
    return _diagnosis(element, resource, codes, dates, found)


def malformed(concept: Any) -> bool:
    """A code that cannot be looked at: it may be PHT as well as anything else."""
    if concept is None:
        return False
    if not isinstance(concept, dict) or not isinstance(concept.get("text") or "", str):
        return True
    return not all(isinstance(one, dict) for one in items(concept.get("coding")))


def _diagnosis(
    element: Sound, resource: Resource, codes: Codes, dates: Dates, found: Recognised
) -> Diagnosis:
    status = status_of(element.get("clinicalStatus"), (*ACTIVE, *OVER))
    onset = dates.span(element, "onset")
    abated = dates.span(element, "abatement")
    recorded = dates.when(element.get("recordedDate"))
    return Diagnosis(
        reference=resource.reference,
        label="Proximal hamstring tendinopathy",
        recognised_by=found.how,
        certain=found.kind is Kind.PHT,
        side=side(codes, resource.raw.get("code"), found.site),
        active=_active(status, _has_abated(element)),
        onset=_begun(onset.start, recorded, status) if onset and onset.start else None,
        recorded=recorded,
        abated=(abated.end or abated.start) if abated else None,
        encounter_only=encounter_only(element),
        status_missing=status not in (*ACTIVE, *OVER),
    )


def _begun(onset: When, recorded: When | None, status: str | None) -> When:
    """An imprecise onset ends no later than the day the disease was recorded.

    Only a recurrence may be later than the record it is told by (G3).
    """
    if recorded is None or status in RECURRED:
        return onset
    return onset.not_after(recorded.latest) or onset


def encounter_only(element: Sound) -> bool:
    """A visit's diagnosis that is not on the problem list."""
    categories = {first_code(category) for category in items(element.get("category"))}
    return categories == {"encounter-diagnosis"}


def _has_abated(element: Sound) -> bool:
    return any(name.startswith("abatement") for name in element.elements)


def _active(status: str | None, has_abated: bool) -> Answer:
    """Active by status, or by the absence of both status and abatement (G1)."""
    if status in ACTIVE:
        return YES
    if status in OVER or has_abated:
        return NO
    return YES if status is None else UNKNOWN
