"""The curated phrases of text-terms.csv: the only text that names the disease (guideline G1a)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cds_service.terminology.memory import remembered
from cds_service.terminology.tables import read


def _phrases(concept: str) -> list[str]:
    return [
        re.escape(r["term"])
        for r in read("text-terms.csv")
        if r["concept"] == concept and r["match"] == "phrase"
    ]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


_PHT = _any_of(_phrases("pht"))
_HAMSTRING_ORIGIN = _any_of(_phrases("hamstring-origin"))
_HAMSTRING = _any_of(["hamstrings?"])
_SUBJECT = _any_of(["hamstrings?", *_phrases("hamstring-origin"), *_phrases("pht")])
_CONFIRMING = re.compile(r"\b(?:tendin\w*|tendon\w*|enthesop\w*|origin|proximal)\b")
#: words after which a text confirms nothing (G1a)
_DOUBTING = re.compile(
    r"\b(?:distal|knee|no|not|without|ruled out|rule out|history of|possible|suspected)\b|\?"
)


@remembered
def normal(text: str) -> str:
    """Lower case, single spaces, hyphens and slashes as spaces."""
    return re.sub(r"[\s\-\u2010-\u2015/]+", " ", text.casefold()).strip()


def is_doubted(text: str) -> bool:
    """The text also says distal, knee, no, not, without, ruled out, history of, ?, ..."""
    return bool(_DOUBTING.search(normal(text)))


def names_pht(text: str) -> bool:
    """The text holds a whole phrase for proximal hamstring tendinopathy, undoubted."""
    return bool(_PHT.search(normal(text))) and not is_doubted(text)


def confirms_hamstring(text: str) -> bool:
    """'hamstring' together with tendin*, tendon*, enthesop*, origin or proximal, undoubted."""
    words = normal(text)
    return bool(_HAMSTRING.search(words) and _CONFIRMING.search(words)) and not is_doubted(text)


def names_hamstring_origin(text: str) -> bool:
    """Body site text that names the hamstring origin, undoubted."""
    return bool(_HAMSTRING_ORIGIN.search(normal(text))) and not is_doubted(text)


def mentions_hamstring(text: str) -> bool:
    """Any mention: worth listing as 'looked relevant, not recognised'."""
    words = normal(text)
    return bool(_HAMSTRING.search(words) or _HAMSTRING_ORIGIN.search(words))


@remembered
def mentions_subject(text: str) -> bool:
    """Names PHT or mentions the hamstring, in one look: what it does not say, most texts do not."""
    return bool(_SUBJECT.search(normal(text)))


#: words near the subject of the rules, in any form: for people who look for codes not recognised
_NEAR = re.compile(
    r"\b(hamstring|ischi|tendin|tendon|enthes|inject|infiltrat|cortico|steroid|platelet|shock ?wave"
    r"|physio|physical therap|eccentric|loading)\w*"
)


def near_subject(text: str) -> str | None:
    """The word of this service's own list that the text holds: 'Physiotherapie' -> 'physio'."""
    found = _NEAR.search(normal(text))
    return found.group(1) if found else None
