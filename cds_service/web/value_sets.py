"""The value sets as a page: what each is, what it leaves out, and its codes.

A form and links, no JavaScript: `?q=` searches codes and words, `?set=` shows a whole set.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, render_template, request

from cds_service.terminology.tables import Concept, scopes
from cds_service.terminology.valuesets import site_terminology
from cds_service.web.pages import common
from cds_service.web.wiring import wiring

MOST = 200  # rows of one answer

blueprint = Blueprint("value_sets", __name__)


@blueprint.get("/value-sets")
def value_sets() -> str:
    """All sets, or the codes that were asked for."""
    sets = site_terminology(wiring().site.codes).value_sets
    chosen, words = request.args.get("set", ""), request.args.get("q", "").strip()
    members = [one for concepts in sets.values() for one in concepts]
    found = _found(members, chosen, words) if chosen or words else []
    return render_template(
        "value-sets.html",
        scopes=scopes(),
        counts={name: len(concepts) for name, concepts in sets.items()},
        chosen=chosen,
        words=words,
        found=found[:MOST],
        total=len(found),
        **common(),
    )


def _found(members: Iterable[Concept], chosen: str, words: str) -> list[Concept]:
    sought = words.casefold()
    return [
        one
        for one in members
        if chosen in ("", one.value_set)
        and (sought in one.code.casefold() or sought in one.display.casefold())
    ]
