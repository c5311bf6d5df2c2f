"""One resource being given R4's names; it remembers how each element was named when sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_STEP = re.compile(r"\.|(?=\[)")
#: on a Dosage itself before R4, within doseAndRate since
DOSES = ("doseQuantity", "doseRange")
Differs = Callable[[Mapping[str, Any]], bool]


class Reshaped:
    """`raw`: the resource under R4's names. `names`: R4's element -> the element as sent."""

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self.raw: dict[str, Any] = dict(sent)
        self.names: dict[str, str] = {}

    def retype(self, resource_type: str) -> None:
        """Give it the R4 type."""
        self.raw["resourceType"] = resource_type

    def rename(self, sent: str, name: str) -> None:
        """Put the element `sent` under R4's `name`, unless that is there too."""
        if sent in self.raw and name not in self.raw:
            self.raw[name] = self.raw.pop(sent)
            self.names[name] = sent

    def put(self, name: str, value: Any, sent: str) -> None:
        """Set R4's `name`, where the record says it in `sent` in another way."""
        self.raw[name] = value
        self.names[name] = sent

    def recode(self, name: str, codes: Mapping[str, str]) -> None:
        """Replace a code by R4's code of the same meaning."""
        value = self.raw.get(name)
        if isinstance(value, str) and value in codes:
            self.raw[name] = codes[value]

    def as_concept(self, name: str) -> None:
        """A bare code as a CodeableConcept."""
        if isinstance(self.raw.get(name), str):
            self.raw[name] = {"coding": [{"code": self.raw[name]}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """By what a resource shows that it is of another release than R4."""

    #: elements that R4 does not have
    elements: frozenset[str] = frozenset()
    #: codes of `status` that R4 does not have
    status: frozenset[str] = frozenset()
    #: elements that are CodeableConcepts in R4, and here bare codes
    bare: frozenset[str] = frozenset()
    #: a list -> members of its items that R4 does not have there
    lines: Mapping[str, frozenset[str]] = field(default_factory=dict)
    others: tuple[Differs, ...] = ()

    def shown_by(self, raw: Mapping[str, Any]) -> bool:
        """Whether any of them is there. Asked of every resource, so in plain loops."""
        if not self.elements.isdisjoint(raw):
            return True
        status = raw.get("status") if self.status else None
        if isinstance(status, str) and status in self.status:
            return True
        for name in self.bare:
            if isinstance(raw.get(name), str):
                return True
        if self.lines and self._shown_in_lines(raw):
            return True
        for differs in self.others:  # noqa: SIM110  # any() takes twice as long
            if differs(raw):
                return True
        return False

    def _shown_in_lines(self, raw: Mapping[str, Any]) -> bool:
        for name, members in self.lines.items():
            for line in lines(raw, name):
                if isinstance(line, dict) and not members.isdisjoint(line):
                    return True
        return False

    def __or__(self, other: Signs) -> Signs:
        named = {*self.lines, *other.lines}
        none: frozenset[str] = frozenset()
        return Signs(
            elements=self.elements | other.elements,
            status=self.status | other.status,
            bare=self.bare | other.bare,
            lines={n: self.lines.get(n, none) | other.lines.get(n, none) for n in named},
            others=self.others + other.others,
        )


#: of a type that R4 does not have
ALWAYS = Signs(elements=frozenset({"resourceType"}))


def as_sent(element: str, names: Mapping[str, str]) -> str:
    """The path of an element below its resource, in the names it was sent under.

    `names` may hold items of a list (`reasonCode[0]`) and whole elements; the longest one counts.
    """
    ends = [len(element), *reversed([found.start() for found in _STEP.finditer(element)])]
    for end in ends:
        if element[:end] in names:
            return names[element[:end]] + element[end:]
    return element


def lines(raw: Mapping[str, Any], name: str) -> list[Any]:
    """The items of an element that ought to be a list: EHRs send one by itself."""
    value = raw.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def change_lines(
    made: Reshaped, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Replace each item that is an object by what `change` makes of a copy of it."""
    if name in made.raw:
        made.raw[name] = [
            change(dict(line)) if isinstance(line, dict) else line for line in lines(made.raw, name)
        ]


def dose_and_rate(line: dict[str, Any]) -> dict[str, Any]:
    """A Dosage whose dose stands where R4 has it."""
    own = {name: line.pop(name) for name in DOSES if name in line}
    return {**line, "doseAndRate": [own]} if own and "doseAndRate" not in line else line | own


def moved(line: dict[str, Any], renames: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Members of an object under other names, where those are free."""
    for sent, name in renames:
        if sent in line and name not in line:
            line[name] = line.pop(sent)
    return line
