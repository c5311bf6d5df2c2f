"""Writes docs/guideline.md and docs/value-sets.md from the code, the fixtures and the tests.

    python -m tools.trace_guideline           rewrites what is stale, and names it
    python -m tools.trace_guideline --check   only names it; exit code 1 when there is any

docs/guideline.md: every claim of the source article -> the rules that implement it, or why none
does -> their numbers -> the fixtures whose answer shows the rule and the tests that name it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cds_service.guideline import EDITION, RECOMMENDATIONS
from cds_service.guideline.claims import CLAIMS, NOT_BUILT, NOT_IN_THE_ARTICLE, Claim
from cds_service.guideline.evidence import Parameter, quantity
from cds_service.guideline.finding import Recommendation
from cds_service.guideline.legend import AMBIGUITIES, CONVENTIONS
from cds_service.guideline.registry import SERVICE_WIDE, parameters, rules_using
from cds_service.guideline.sources import ARTICLE, BIBLIOGRAPHY, READING
from tools.evidence_of_rules import Shown, evidence, variants
from tools.value_set_page import value_set_page

ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by `python -m tools.trace_guideline`; do not edit. -->"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table, bars inside cells escaped."""
    cells = list(head)
    yield f"| {' | '.join(cells)} |"
    yield "|" + "---|" * len(cells)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") or "-" for cell in row) + " |"


def linked(rule: str) -> str:
    return f"[{rule}](#{rule})"


def guideline_page() -> str:
    """The whole of docs/guideline.md."""
    found = evidence()
    lines = [
        MADE,
        "",
        f"# The guideline, traced (edition {EDITION})",
        "",
        "Every claim of the source article, what became of it, and what shows that it works.",
        f"The article: {ARTICLE.citation}.",
        "It is AI-generated and pending human review: verify against primary literature.",
        "",
        "## Claims of the article",
        "",
        *table(("Claim", "Section", "In short", "Rules", "Decides nothing because"), claim_rows()),
        "",
        "## What the article does not say",
        "",
        "These rules are additions, and every card of theirs says so.",
        "",
        *table(("Rule", "About"), ((linked(r), w) for r, w in NOT_IN_THE_ARTICLE.items())),
        "",
        "Considered and not built:",
        "",
        *(f"- {what}: {why}." for what, why in NOT_BUILT),
        "",
        "## Rules",
        "",
        *table(("Rule", "Claims", "Numbers", "Fixtures", "Vignettes", "Tests"), rule_rows(found)),
    ]
    for rule in RECOMMENDATIONS:
        lines += ["", *rule_section(rule, found[rule.id])]
    return "\n".join([*lines, "", *numbers(), "", *legend(), "", *sources(), ""])


def claim_rows() -> Iterator[tuple[str, ...]]:
    for claim in CLAIMS:
        rules = ", ".join(map(linked, claim.rules))
        yield claim.id, claim.section, claim.words, rules, claim.why_no_rule


def claims_of(rule: str) -> Iterator[Claim]:
    return (claim for claim in CLAIMS if rule in claim.rules)


def rule_rows(found: dict[str, Shown]) -> Iterator[tuple[str, ...]]:
    for rule in RECOMMENDATIONS:
        shown = found[rule.id]
        traced = [claim.id for claim in claims_of(rule.id)]
        claims = ", ".join((["external"] if rule.external else []) + traced)
        counts = (rule.parameters, shown.fixtures, shown.vignettes, shown.tests)
        yield linked(rule.id), claims, *(str(len(one)) for one in counts)


def rule_section(rule: Recommendation, shown: Shown) -> Iterator[str]:
    head = rule.header
    yield from (f"### {rule.id}", "", f"{rule.title}.", "")
    for name, words in (
        ("Source says", head.source_says),
        ("Evidence", head.evidence),
        ("Origin", head.origin),
        ("When", head.when),
        ("Unless", head.unless),
        ("Then", head.then),
        ("Unsure", head.unsure),
    ):
        yield f"- **{name}:** {words}"
    yield f"- **Variants:** {listed(variants(rule)) or 'one only'}"
    yield f"- **Numbers:** {', '.join(map(number_link, rule.parameters)) or 'none'}"
    yield f"- **Fixtures that show it:** {listed(shown.fixtures) or 'none'}"
    yield f"- **Vignettes that expect it:** {', '.join(shown.vignettes) or 'none'}"
    yield f"- **Tests that name it:** {listed(shown.tests) or 'none'}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def number_link(parameter: Parameter) -> str:
    return f"[{parameter.name}](#numbers) ({quantity(parameter.value, parameter.unit)})"


def numbers() -> Iterator[str]:
    yield from ("## Numbers", "")
    yield "A site may set each within its safe range; `cds-service parameters` prints them."
    yield ""
    head = ("Number", "Value", "Safe", "Source", "Quote", "Our reading", "Reviewed", "Used by")
    yield from table(head, map(number_row, parameters().values()))


def number_row(one: Parameter) -> tuple[str, ...]:
    source = "reading" if one.source is READING else one.source.key
    used = ", ".join(map(linked, rules_using(one))) or SERVICE_WIDE[one.name]
    return (
        f"`{one.name}`",
        quantity(one.value, one.unit),
        f"{one.safe[0]:g} to {one.safe[1]:g}",
        f"{source}: {one.place}",
        f"“{one.quote}”" if one.quote else "",
        one.reading,
        one.reviewed.isoformat(),
        used,
    )


def legend() -> Iterator[str]:
    yield from ("## Marks", "")
    yield "C01 to C47 are the claims above. A and G are this service's own:"
    for title, marks in (
        ("A: where the article leaves room, and how it is read", AMBIGUITIES),
        ("G: how all rules read a record", CONVENTIONS),
    ):
        yield from ("", f"### {title}", "")
        yield from table(("Mark", "In short"), marks.items())


def sources() -> Iterator[str]:
    yield from ("## Sources", "")
    for source in BIBLIOGRAPHY:
        yield f"- `{source.key}`: {source.citation}{f' <{source.url}>' if source.url else ''}"


PAGES: dict[str, Callable[[], str]] = {
    "docs/guideline.md": guideline_page,
    "docs/value-sets.md": lambda: value_set_page(MADE, table),
}


def stale() -> Iterator[tuple[Path, str]]:
    """The pages that hold something else than they must, with what they must hold."""
    for name, made in PAGES.items():
        file, content = ROOT / name, made()
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            yield file, content


def main() -> int:
    """Exit code: 1 when --check finds something stale, else 0."""
    found = list(stale())
    for file, content in found:
        print(file.relative_to(ROOT))
        if "--check" not in sys.argv:
            file.write_text(content, encoding="utf-8")
    return 1 if found and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
