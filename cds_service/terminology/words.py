"""What the words of a site, reason or route say where no code says it (words.csv).

EHRs send words with every site and route, and codes this service has no verified row for. Words
of the hamstring win over those of another region, and a text that may be read in two ways says
nothing: it never proves that an injection was elsewhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum

from cds_service.terminology.memory import remembered
from cds_service.terminology.tables import read
from cds_service.terminology.text import normal


class Route(Enum):
    """How a drug is given; of several the first here decides."""

    ORAL = "oral"
    OTHER = "intramuscular, intravenous, epidural, inhaled or the like"
    TOPICAL = "topical"
    DROPS = "into the eye or ear"
    JOINT = "into a joint"
    LOCAL = "local"
    UNRECOGNISED = "not recognised"


def _pattern(term: str) -> str:
    """`*` is any ending; `=` in front: the whole text."""
    words = re.escape(term.removeprefix("=")).replace(r"\*", r"\w*")
    return f"^{words}$" if term.startswith("=") else words


def _patterns() -> dict[str, re.Pattern[str]]:
    terms = defaultdict(list)
    for row in read("words.csv"):
        terms[row["means"]].append(_pattern(row["term"]))
    return {means: re.compile(rf"\b(?:{'|'.join(found)})\b") for means, found in terms.items()}


_WORDS = _patterns()
_TARGET = re.compile("|".join(_WORDS[means].pattern for means in ("elsewhere", "hip-part", "deed")))
_LETTER = re.compile(r"\w")
#: what says more comes first: oral inhalation is inhaled, topical application in the eye are drops
_ROUTES = {
    route: _WORDS[f"route-{route.name.lower()}"]
    for route in (Route.DROPS, Route.OTHER, Route.ORAL, Route.TOPICAL, Route.JOINT, Route.LOCAL)
}


def names_other_region(texts: Iterable[str]) -> bool:
    """Of the texts of one thing some name another part of the body, none perhaps the hamstring."""
    found = {_elsewhere(words) for words in texts}
    return True in found and False not in found


def may_name_hamstring(text: str) -> bool:
    """It names the hamstring, its region, or what may be either."""
    return _elsewhere(text) is False


def targets_other_region(text: str) -> bool:
    """The text of a code says no more than what was done and to which other region.

    Of a longer one it cannot be told: 'kettlebell in the other hand', 'with a spinal needle'.
    """
    return bool(_elsewhere(text)) and not _LETTER.search(_TARGET.sub(" ", normal(text)))


@remembered
def _elsewhere(text: str) -> bool | None:
    """True: another part of the body; False: the hamstring, or perhaps; None: it does not say."""
    words = _WORDS["aside"].sub(" ", normal(text))
    if _WORDS["hamstring"].search(words):
        return False
    if _WORDS["undecided"].search(words):
        return None
    if _WORDS["hip-part"].search(words):
        return True
    if _WORDS["hip"].search(words):
        return False
    return True if _WORDS["elsewhere"].search(words) else None


def route_named(texts: Iterable[str]) -> Route:
    """The route the texts of one thing name; a local one beside another says nothing."""
    words = [normal(one) for one in texts]
    found = [route for route, named in _ROUTES.items() if any(map(named.search, words))]
    doubted = any(map(_WORDS["undecided"].search, words))
    if not found or doubted or (Route.LOCAL in found and len(found) > 1):
        return Route.UNRECOGNISED
    return found[0]
