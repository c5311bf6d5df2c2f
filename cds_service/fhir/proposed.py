"""Conditions being added to the problem list (hook problem-list-item-create).

They are read like those of the chart, beside them. One that is in the chart already counts once,
as it is being added.
"""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.fhir import flags
from cds_service.fhir.codes import Codes
from cds_service.fhir.conditions import Kind, malformed, recognise
from cds_service.fhir.resources import Evidence, Resource
from cds_service.terminology import Terminology


def add(evidence: Evidence, conditions: Iterable[Resource]) -> None:
    """Put the conditions into the evidence, and mark them as being added."""
    added = {condition.reference: condition for condition in conditions}
    kept = [one for one in evidence.of("Condition") if one.reference not in added]
    evidence.by_type["Condition"] = sorted([*kept, *added.values()], key=lambda r: r.reference)
    evidence.named.update(added)
    evidence.added = frozenset(added)


def names_condition(
    evidence: Evidence, terminology: Terminology, *, nonspecific_counts: bool
) -> bool:
    """Whether any of them may be PHT or questions it, or cannot be looked at.

    Asked first: another problem needs no chart, and gets no refusal for lack of one.
    """
    codes = Codes(terminology)
    return any(
        _speaks(codes, one, nonspecific_counts)
        for one in evidence.of("Condition")
        if one.reference in evidence.added
    )


def _speaks(codes: Codes, condition: Resource, nonspecific_counts: bool) -> bool:
    code = condition.raw.get("code")
    if malformed(code):
        return True
    known = codes.known(code)
    sites = condition.raw.get("bodySite")
    found = recognise(codes, code, sites, known, nonspecific_counts=nonspecific_counts)
    return found.kind in (Kind.PHT, Kind.POSSIBLE) or flags.kind_of(known, code) is not None
