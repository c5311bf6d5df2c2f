"""What is counted of the findings, as a tree: each measure is the sum of those below it.

The words are what a report tells its reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cds_service.guideline.overrides import REASONS

OTHER, NONE = "other-code", "no-code"  # override reasons that are not of this service
REASON = "reason:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`parent` is the measure it is a part of; "" for one that stands by itself."""

    name: str
    parent: str
    title: str
    meaning: str


def _reasons() -> Iterable[Measure]:
    words = {code: one.display for code, one in REASONS.items()}
    words |= {OTHER: "A code of another list", NONE: "No code given (a comment alone, or nothing)"}
    for code, title in words.items():
        yield Measure(
            name=f"{REASON}{code}",
            parent="overridden",
            title=title,
            meaning=f"Overridden; the reason given last: {title[0].lower()}{title[1:]}.",
        )


_ALL = (
    Measure(
        name="findings",
        parent="",
        title="Findings",
        meaning="Rules that fired: for one patient and side, on given facts, for one user, in one"
        " hook instance. A finding is shown, suppressed or in shadow.",
    ),
    Measure(
        name="shown",
        parent="findings",
        title="Shown",
        meaning="Cards sent to the client. The same card sent again in the same hook instance"
        " counts once. Accepted, overridden or ignored.",
    ),
    Measure(
        name="accepted",
        parent="shown",
        title="Accepted",
        meaning="The last feedback on the card says that a suggestion was taken.",
    ),
    Measure(
        name="overridden",
        parent="shown",
        title="Overridden",
        meaning="The last feedback on the card says that it was dismissed.",
    ),
    *_reasons(),
    Measure(
        name="ignored",
        parent="shown",
        title="Ignored",
        meaning="No feedback has come. The user did nothing, or the client sends none.",
    ),
    Measure(
        name="suppressed",
        parent="findings",
        title="Suppressed",
        meaning="Judged to apply and not sent: held back as repeat, for precedence, for the"
        " budget, or while paused.",
    ),
    Measure(
        name="repeat",
        parent="suppressed",
        title="Repeat",
        meaning="The user had dismissed it on the same facts, or had just seen it in another hook.",
    ),
    Measure(
        name="precedence",
        parent="suppressed",
        title="Precedence",
        meaning="Another card says more of the same, or comes first on the pathway.",
    ),
    Measure(
        name="budget",
        parent="suppressed",
        title="Budget",
        meaning="Beyond the most cards in one answer.",
    ),
    Measure(
        name="paused",
        parent="suppressed",
        title="Paused",
        meaning="The rule, or all, were out of service.",
    ),
    Measure(
        name="shadow",
        parent="findings",
        title="Shadow",
        meaning="Judged on trial and not sent: of a rule or a client in shadow mode.",
    ),
    Measure(
        name="shadow-rule",
        parent="shadow",
        title="Rule in shadow",
        meaning="The rule is in shadow mode at this site.",
    ),
    Measure(
        name="shadow-client",
        parent="shadow",
        title="Client in shadow",
        meaning="The client is in shadow mode: what it would have been shown.",
    ),
    Measure(
        name="again",
        parent="",
        title="Sent again",
        meaning="Further deliveries of findings that are counted once.",
    ),
)
MEASURES = MappingProxyType({one.name: one for one in _ALL})
PARENTS = MappingProxyType({one.name: one.parent for one in _ALL})


def summed(leaves: Mapping[str, int]) -> dict[str, int]:
    """All measures, from the counts of those that have no parts."""
    counts = dict.fromkeys(PARENTS, 0)
    for name, number in leaves.items():
        while name:
            counts[name] += number
            name = PARENTS[name]  # noqa: PLW2901  # up to the root
    return counts
