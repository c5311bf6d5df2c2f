"""A rule's own words: the head of its module, read as data.

The head is what a clinician checks against the guideline, so it is the only place where the
words stand; the guideline page and the documents are made from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTIONS = ("Source says", "Evidence", "Origin", "When", "Unless", "Then", "Unsure")


@dataclass(frozen=True, slots=True)
class Header:
    id: str
    title: str
    source_says: str
    evidence: str
    origin: str
    when: str
    unless: str
    then: str
    unsure: str

    @classmethod
    def read(cls, docstring: str | None) -> Header:
        """From a module docstring: `id: title.`, then the sections of `_SECTIONS` in order."""
        if not docstring:
            raise ValueError("the rule has no header (python -OO removes it)")
        first, _, rest = docstring.partition("\n")
        rule, _, title = first.partition(": ")
        parts = re.split(rf"^({'|'.join(_SECTIONS)}): ", rest.strip(), flags=re.MULTILINE)
        named = dict(zip(parts[1::2], (" ".join(p.split()) for p in parts[2::2]), strict=True))
        if tuple(named) != _SECTIONS:
            raise ValueError(f"the header of {rule} needs the sections {', '.join(_SECTIONS)}")
        title = title.strip().rstrip(".")
        return cls(rule, title[:1].upper() + title[1:], *named.values())
