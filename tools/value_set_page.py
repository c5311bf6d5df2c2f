"""docs/value-sets.md: every code the service reads, where it was verified, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from cds_service.terminology.tables import SYSTEMS, Concept, Scope, concepts, read, scopes

Table = Callable[[Iterable[str], Iterable[Iterable[str]]], Iterator[str]]
NAMES = {uri: name for name, uri in SYSTEMS.items()} | {"http://loinc.org": "loinc"}
INTRO = """
One section a value set. **Include** counts by itself; **neighbour** only with something that
confirms it (a site, text, a performer), or as the section says; **exclude** says that it is
something else. "Verified in" names where code and display were read; it does not prove that the
code is active today. Which role a code has is this project's judgement, pending clinical review.

CPT codes carry this project's own plain words, not the descriptors of the AMA, which are licensed.
ICD-10-CM codes marked "and below" stand for everything under them. A site adds codes under
`[codes.<value-set>]`; see [informaticist.md](informaticist.md). The value set `pht` is empty here:
it is the place for a site's own codes of the disease.

Gaps that no value set fills: no terminology server with a licence has confirmed the SNOMED CT and
LOINC codes as active; the UK's dm+d and other national drug codes are not here; free text is
matched only by the phrases and words of the last two sections.
""".strip()

WORDS = """
Where no code of a site, reason or route is known, its text and the displays of its codes are looked
at. The words are this project's own judgement. `*` is any ending, `=` the whole text. A word of
`hamstring` wins over one of `elsewhere`; what `aside` holds is taken out first. In the text of an
injection's or exercise's own code a region is its target only among words of `deed` and no others.

**Left out:** words that mean other things as well. A text that may be read two ways says nothing.
""".strip()


def value_set_page(mark: str, table: Table) -> str:
    """The whole page."""
    scope = scopes()
    lines = [mark, "", "# Value sets", "", INTRO]
    ordered = sorted(concepts(), key=lambda one: list(scope).index(one.value_set))
    for name, members in groupby(ordered, key=lambda one: one.value_set):
        lines += ["", *section(name, scope[name], list(members), table)]
    return "\n".join([*lines, "", *products(table), "", *phrases(table), "", *words(table), ""])


def section(name: str, scope: Scope, members: list[Concept], table: Table) -> Iterator[str]:
    yield from (f"## {name}", "", scope.what, "", f"**Left out:** {scope.leaves_out}", "")
    yield from table(("System", "Code", "Role", "Display", "Verified in, or why"), rows(members))


def rows(members: Iterable[Concept]) -> Iterator[tuple[str, ...]]:
    for one in members:
        code = f"`{one.code}`" + (" and below" if one.prefix else "")
        display = "" if one.prefix else one.display
        yield NAMES.get(one.system, one.system), code, one.role, display, one.verified


def products(table: Table) -> Iterator[str]:
    yield from ("## Drug products", "")
    yield "RxNorm products of the listed corticosteroids and NSAIDs, with their form."
    yield ""
    yield "**Left out:** kits and packs, retired codes, what cannot be prescribed, etoricoxib."
    for (kind, ingredient), members in groupby(
        sorted(read("products.csv"), key=lambda r: (r["class"], r["ingredient"])),
        key=lambda r: (r["class"], r["ingredient"]),
    ):
        yield from ("", f"### {ingredient} ({kind})", "")
        yield from table(
            ("RxNorm", "Kind", "Form", "Name"),
            ((f"`{r['rxcui']}`", r["tty"], r["route_group"], r["name"]) for r in members),
        )


def phrases(table: Table) -> Iterator[str]:
    yield from (
        "## Phrases",
        "",
        "The only text that names the disease and the hamstring origin.",
        "",
    )
    yield "**Left out:** everything else. Text with distal, knee, no, not, without, ruled out,"
    yield "history of, possible, suspected or a question mark matches nothing."
    yield ""
    cells = ((r["concept"], r["match"], r["term"], r["note"]) for r in read("text-terms.csv"))
    yield from table(("For", "Match", "Term", "Note"), cells)


def words(table: Table) -> Iterator[str]:
    yield from ("## Words of sites, reasons and routes", "", WORDS, "")
    listed = [(means, [*rows]) for means, rows in groupby(read("words.csv"), lambda r: r["means"])]
    cells = (
        (means, ", ".join(f"`{r['term']}`" for r in rows), "; ".join(filter(None, notes)))
        for means, rows in listed
        for notes in [[r["note"] for r in rows]]
    )
    yield from table(("Means", "Words", "Note"), cells)
