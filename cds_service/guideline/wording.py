"""Small phrases the rules share. Patient-derived text enters a card only through `cite`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cds_service.guideline.finding import Used
from cds_service.patient.sides import NOT_STATED, Laterality

_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+!|~$]")


def escape(text: str) -> str:
    """Text that renders as itself in GitHub-flavoured Markdown and in HTML."""
    marked = _SPECIAL.sub(lambda found: "\\" + found.group(), text)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def origin(side: Laterality) -> str:
    """'the left hamstring origin', or 'the hamstring origin' when no side is stated."""
    return (
        f"the {side.words} hamstring origin" if side is not NOT_STATED else "the hamstring origin"
    )


def cite(fact: Used) -> str:
    """'2026-03-17: massage (Procedure/p2)', with every record of it and its doubts."""
    records = ", ".join(escape(reference) for reference in (fact.reference, *fact.also))
    words = f"{fact.when or 'undated'}: {escape(fact.words)} ({records})"
    return words if fact.certain else f"{words} - uncertain: {'; '.join(fact.doubts)}"


def cited(facts: Iterable[Used], most: int = 8) -> tuple[str, ...]:
    """One line a fact; a long list is cut with the number of the rest."""
    lines = [cite(fact) for fact in facts]
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[:most], f"and {len(lines) - most} more (see the rationale)")


def listed(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    *head, last = words or [""]
    return f"{', '.join(head)} and {last}" if head else last


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
