"""Resources of other FHIR releases under the names of R4, which the readers know.

- `r5`      CodeableReference, occurrence[x] of a Procedure, adherence, performed activities
- `stu3`    statuses as bare codes, ProcedureRequest and ReferralRequest, taken, notDone, asserted
- `dstu2`   MedicationOrder
- `reshape` what they share

A hook call does not say which release it is in, and a chart may hold several: each resource is
known by elements and types that R4 does not have. One in R4 (or R4B) is passed on as it is.
What has no counterpart in R4 is left where it is, so that the reader finds it missing, not false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from cds_service.fhir.releases import dstu2, r5, stu3
from cds_service.fhir.releases.reshape import Reshaped, Signs

__all__ = ["R4_TYPES", "Reshaped", "as_r4"]

#: types of older releases -> the R4 type they are read as
R4_TYPES = {**dstu2.TYPES, **stu3.TYPES}
#: R4 type or older -> (how it shows, what to do then), release by release
_RELEASES: Mapping[str, tuple[tuple[Signs, Callable[[Reshaped], None]], ...]] = {
    name: tuple(module.RESHAPES[name] for module in (dstu2, stu3, r5) if name in module.RESHAPES)
    for name in {*dstu2.RESHAPES, *stu3.RESHAPES, *r5.RESHAPES}
}
#: the same type -> the signs of all releases: nearly every resource shows none
_SIGNS = {name: reduce(or_, (signs for signs, _ in found)) for name, found in _RELEASES.items()}


def as_r4(raw: Mapping[str, Any]) -> Reshaped | None:
    """The resource with R4's type and names; None when it has them already.

    `raw` is not changed. Applied to its own result it gives None.
    """
    signs = _SIGNS.get(raw["resourceType"])
    if signs is None or not signs.shown_by(raw):
        return None
    made = Reshaped(raw)
    for of_release, reshape in _RELEASES[raw["resourceType"]]:
        if of_release.shown_by(made.raw):
            reshape(made)
    return made
