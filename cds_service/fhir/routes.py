"""How a drug is given: the routes of its dosages, by code, else in words (guideline G5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.fhir.codes import Codes, items, texts
from cds_service.terminology.words import Route, route_named

NOT_INJECTED_LOCALLY = (Route.ORAL, Route.OTHER, Route.TOPICAL, Route.DROPS)


def route_of(codes: Codes, dosages: Any) -> Route | None:
    """None when no route is stated; of several the first in the order of `Route`."""
    stated = [
        _route(codes, route)
        for dosage in items(dosages)
        if isinstance(dosage, Mapping) and (route := dosage.get("route"))
    ]
    return min(stated, key=list(Route).index, default=None)


def _route(codes: Codes, concept: Any) -> Route:
    known = codes.known(concept)
    if known.within("route-local"):
        return Route.LOCAL
    if known.within("route-topical"):
        return Route.TOPICAL
    if other := known.within("route-other", None):
        named = route_named([other.display])
        return named if named in (*NOT_INJECTED_LOCALLY, Route.JOINT) else Route.OTHER
    if systemic := known.within("route-systemic"):
        named = route_named([systemic.display, *texts(concept)])
        # A site's own code has no words: it is by mouth unless the record's words say otherwise.
        wordless = systemic.display == systemic.code
        return named if named in NOT_INJECTED_LOCALLY else Route.ORAL if wordless else Route.OTHER
    return route_named(texts(concept))
