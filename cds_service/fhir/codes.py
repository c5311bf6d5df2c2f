"""CodeableConcepts through the value sets: what a code or phrase says, and how it was known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cds_service.patient.facts import Place
from cds_service.patient.sides import NOT_STATED, Laterality
from cds_service.terminology import Concept, Terminology, text
from cds_service.terminology.memory import Memory
from cds_service.terminology.tables import SYSTEMS, stated_side
from cds_service.terminology.valuesets import ICD_10_CM, normal
from cds_service.terminology.words import (
    may_name_hamstring,
    names_other_region,
    targets_other_region,
)

#: systems whose displays are descriptors of a kind of act
GENERIC = (SYSTEMS["cpt"], SYSTEMS["hcpcs"])
_CODE = re.compile(r"[A-Za-z][A-Za-z-]{0,39}", re.ASCII)


def items(value: Any) -> list[Any]:
    """A list as it is, one thing as a list of it, nothing as nothing: EHRs mix them up."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of a CodeableConcept that has both."""
    if not isinstance(concept, dict):
        return
    for coding in items(concept.get("coding")):
        if isinstance(coding, dict):
            system, code = coding.get("system"), coding.get("code")
            if isinstance(system, str) and isinstance(code, str):
                yield system, code


def texts(concept: Any) -> Iterator[str]:
    """The text and the displays of a CodeableConcept."""
    if not isinstance(concept, dict):
        return
    if isinstance(concept.get("text"), str):
        yield concept["text"]
    for coding in items(concept.get("coding")):
        if isinstance(coding, dict) and isinstance(coding.get("display"), str):
            yield coding["display"]


def _spelt(concept: Any) -> tuple[object, ...]:
    """All that is looked at in a CodeableConcept, as a key.

    Raises AttributeError, or TypeError when it is looked up, for an odd shape. It is made of every
    code of a chart, so it checks nothing that can be checked when it is new.
    """
    words, listed = concept.get("text"), concept.get("coding")
    if listed is None:
        return (words,)
    if not isinstance(listed, list):
        raise TypeError
    if len(listed) == 1:  # as nearly all have
        coding = listed[0]
        return words, coding.get("system"), coding.get("code"), coding.get("display")
    spelt: list[object] = [words]
    for coding in listed:
        spelt += coding.get("system"), coding.get("code"), coding.get("display")
    return tuple(spelt)


def _is_odd(spelt: tuple[object, ...]) -> bool:
    return not all(isinstance(one, str | None) for one in spelt)


@lru_cache(maxsize=8)  # more than there are terminologies in a process
def _memories(_terminology: Terminology) -> tuple[Memory[Known], Memory[Site]]:
    """Of concepts and of body sites, kept from call to call. Most charts name the same ones."""
    return Memory(), Memory()


def first_code(concept: Any) -> str | None:
    """The first code, for elements whose code system is fixed (statuses)."""
    if isinstance(concept, str):
        return concept
    return next((code for _, code in codings(concept)), None) or next(
        (
            str(coding["code"])
            for coding in items(concept.get("coding") if isinstance(concept, Mapping) else None)
            if isinstance(coding, Mapping) and coding.get("code")
        ),
        None,
    )


def status_of(concept: Any, known: Iterable[str]) -> str | None:
    """The status among the known ones, by any coding or in words; another one as it stands.

    None only when nothing is stated: a status that is not understood is not the lack of one.
    """
    wanted = set(known)
    listed = items(concept.get("coding")) if isinstance(concept, Mapping) else []
    codes = [one.get("code") for one in listed if isinstance(one, Mapping)]
    words = [words.strip().lower().replace(" ", "-") for words in texts(concept)]
    for stated in (*codes, *words):
        if stated in wanted:
            return str(stated)
    return str(next(iter((*filter(None, codes), *words)), "")) or None


def plain_status(status: str | None) -> str:
    """A status as a reason may name it: a code, never free text that stands in its place."""
    if status is None:
        return "not stated"
    return status if _CODE.fullmatch(status) else "not recognised"


@dataclass(frozen=True, slots=True)
class Known:
    """The value-set memberships of a CodeableConcept.

    `silent`: no value set, no drug table and no curated phrase knows any of it. `complete`: it is
    coded in ICD-10-CM, of which every code that may be PHT is known (G1a).
    """

    concepts: tuple[Concept, ...]
    silent: bool = False
    complete: bool = False

    def within(self, value_set: str, role: str | None = "include") -> Concept | None:
        """The first concept of this value set (and role; None is any role)."""
        for concept in self.concepts:
            if concept.value_set == value_set and role in (None, concept.role):
                return concept
        return None

    def any_of(self, *value_sets: str) -> Concept | None:
        return next(filter(None, (self.within(name) for name in value_sets)), None)


def by(concept: Concept) -> str:
    """How a thing was recognised, for the rationale."""
    return f"{concept.system}|{concept.code} in {concept.value_set}"


@dataclass(frozen=True, slots=True)
class Site:
    """Body sites of one record: where, which side, how recognised."""

    place: Place
    side: Laterality
    recognised_by: str = ""


_NOWHERE = Site(Place.NOT_STATED, NOT_STATED)


class Codes:
    """Look-ups for one request; the value sets may hold a site's own codes."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._known, self._sites = _memories(terminology)

    def says_nothing(self, concept: Any) -> bool:
        """No value set, no drug table and no curated phrase knows any of it.

        Most of a chart is of this kind. Of an odd shape it is never said.
        """
        return self._of(concept).silent

    def _of(self, concept: Any) -> Known:
        try:
            spelt = _spelt(concept)
            known = self._known.get(spelt)
        except (AttributeError, TypeError):
            return self._look_up(concept, odd=True)
        if known is None:
            known = self._look_up(concept, odd=_is_odd(spelt))
            self._known.keep(spelt, known)
        return known

    def _look_up(self, concept: Any, *, odd: bool) -> Known:
        coded = tuple(codings(concept))
        found = tuple(member for one in coded for member in self.terminology.find(*one))
        return Known(
            found,
            silent=not (odd or found or self._says_something(coded, concept)),
            complete=any(normal(*one)[0] == ICD_10_CM for one in coded),
        )

    def _says_something(self, coded: Iterable[tuple[str, str]], concept: Any) -> bool:
        """A drug by its code, or a phrase: of what is in no value set."""
        drug, named = self.terminology.drug, self.terminology.drug_named
        if any(drug(*one) is not None for one in coded):
            return True
        return any(
            text.mentions_subject(words) or named(words) is not None for words in texts(concept)
        )

    def known(self, *concepts: Any) -> Known:
        if len(concepts) == 1:
            return self._of(concepts[0])
        found = (self._of(concept) for concept in concepts)
        return Known(tuple(member for one in found for member in one.concepts))

    def targets_other_region(self, concept: Any) -> bool:
        """What was done was done to another part of the body, in the words of its own code.

        A generic descriptor ('ligament, plantar fascia') belongs to its code, not to the record.
        """
        if not isinstance(concept, Mapping) or self.known(concept).within("loading-programme"):
            return False
        generic = {
            coding.get("display")
            for coding in items(concept.get("coding"))
            if isinstance(coding, Mapping)
            and any(known.system in GENERIC for known in self.known({"coding": [coding]}).concepts)
        }
        own = (words for words in texts(concept) if words not in generic)
        return names_other_region(texts(concept)) and any(map(targets_other_region, own))

    def site(self, sites: Iterable[Any]) -> Site:
        """Of several body sites the one nearest the hamstring origin decides."""
        stated = [site for site in sites if isinstance(site, Mapping)]
        if not stated:
            return _NOWHERE
        try:
            spelt = tuple(map(_spelt, stated))
            known = self._sites.get(spelt)
        except (AttributeError, TypeError):
            return self._site(stated)
        return self._sites.keep(spelt, self._site(stated)) if known is None else known

    def _site(self, stated: list[Mapping[str, Any]]) -> Site:
        found = [self._place(site) for site in stated]
        places = [place for place, _ in found if place is not Place.NOT_STATED]
        place = min(places, key=list(Place).index, default=Place.NOT_STATED)
        words = next((how for where, how in found if where is place and how), "")
        # Another joint's side is not the side of the hamstring; a side alone belongs to either.
        there = [
            site
            for site, (where, _) in zip(stated, found, strict=True)
            if where in (place, Place.NOT_STATED)
        ]
        return Site(place, self.side(there), words)

    def _place(self, site: Mapping[str, Any]) -> tuple[Place, str]:
        known = self.known(site)
        if origin := known.within("hamstring-origin"):
            return Place.ORIGIN, by(origin)
        if any(map(text.names_hamstring_origin, texts(site))):
            return Place.ORIGIN, "body site text"
        if ischium := known.within("confirming-site"):
            return Place.ISCHIUM, by(ischium)
        for role, place in _PLACES:
            if concept := known.within("body-site", role):
                return place, by(concept)
        return self._place_in_words(site, known)

    @staticmethod
    def _place_in_words(site: Mapping[str, Any], known: Known) -> tuple[Place, str]:
        if names_other_region(texts(site)):
            return Place.ELSEWHERE, "body site text"
        if any(map(may_name_hamstring, texts(site))):
            return Place.WORDED, ""
        side_alone = known.within("laterality")  # such as {left} beside {thigh}
        return (Place.NOT_STATED if side_alone else Place.UNRECOGNISED), ""

    @staticmethod
    def coded_side(known: Known) -> Laterality:
        """The side the codes' own names state."""
        return Laterality.of(concept.side for concept in known.concepts)

    def side(self, concepts: Iterable[Any]) -> Laterality:
        """The side body sites state: left and right are both; code against text is unknown."""
        stated = []
        for concept in concepts:
            coded = self.coded_side(self.known(concept))
            words = Laterality.of(stated_side(words) for words in texts(concept))
            if NOT_STATED not in (coded, words) and coded is not words:
                return NOT_STATED
            stated.append(coded if coded is not NOT_STATED else words)
        return Laterality.of(side.value for side in stated if side is not NOT_STATED)


_PLACES = (
    ("include", Place.REGION),
    ("neighbour", Place.NEAR),
    ("exclude", Place.ELSEWHERE),
)
