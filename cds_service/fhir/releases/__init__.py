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
from typing import Any

from cds_service.fhir.releases import dstu2, r5, stu3
from cds_service.fhir.releases.reshape import Reshaped

__all__ = ["R4_TYPES", "Reshaped", "as_r4"]

#: types of older releases -> the R4 type they are read as
R4_TYPES = {**dstu2.TYPES, **stu3.TYPES}
#: R4 type or older -> (does it differ from R4, what to do then), release by release
_RELEASES: Mapping[
    str, tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Reshaped], None]], ...]
] = {
    name: tuple(module.RESHAPES[name] for module in (dstu2, stu3, r5) if name in module.RESHAPES)
    for name in {*dstu2.RESHAPES, *stu3.RESHAPES, *r5.RESHAPES}
}


def as_r4(raw: Mapping[str, Any]) -> Reshaped | None:
    """The resource with R4's type and names; None when it has them already.

    `raw` is not changed. Applied to its own result it gives None.
    """
    found: Reshaped | None = None
    for differs, reshape in _RELEASES.get(raw["resourceType"], ()):
        if differs(raw if found is None else found.raw):
            found = found or Reshaped(raw)
            reshape(found)
    return found
