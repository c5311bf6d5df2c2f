"""Which of the needed elements are sound FHIR: fhir.resources is asked, one by one if need be.

Only the elements a reader needs are validated (as R4B; R4 does not differ in them): a strange
narrative, an unknown extension or a proprietary field elsewhere in the resource is nobody's harm.
An element that does not validate is a fault with its JSON path, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from cds_service.fhir.plain import are_plain

#: what R4 requires of each type: stands in when the record lacks it, so the rest can be validated
_SUBJECT = {"subject": {"reference": "Patient/x"}}
_MEDICATION = {"medicationCodeableConcept": {"text": "-"}}
REQUIRED: dict[str, dict[str, Any]] = {
    "Patient": {},
    "Condition": _SUBJECT,
    "Procedure": {"status": "unknown", **_SUBJECT},
    "ServiceRequest": {"status": "unknown", "intent": "order", **_SUBJECT},
    "MedicationRequest": {"status": "unknown", "intent": "order", **_MEDICATION, **_SUBJECT},
    "MedicationStatement": {"status": "unknown", **_MEDICATION, **_SUBJECT},
    "MedicationAdministration": {
        "status": "unknown",
        "effectiveDateTime": "2000",
        **_MEDICATION,
        **_SUBJECT,
    },
    "Medication": {},
    "CarePlan": {"status": "unknown", "intent": "plan", **_SUBJECT},
    "AllergyIntolerance": {"patient": {"reference": "Patient/x"}},
    "Observation": {"status": "unknown", "code": {"text": "-"}},
    "Goal": {"lifecycleStatus": "active", "description": {"text": "-"}, **_SUBJECT},
}
_CHOICE = re.compile(
    r"(onset|abatement|performed|effective|medication|value|occurrence|deceased|asNeeded)[A-Z]"
)
_DATE = re.compile(r"(Date|DateTime|Instant|authoredOn|issued)$")
NOT_VALID = "not valid FHIR"
_NO_ZONE = re.compile(r"(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d+)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """An element that is not sound FHIR. `element` is the JSON path below the resource."""

    element: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sound:
    """The needed elements that are sound, and the faults of those that are not."""

    elements: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()

    def get(self, name: str) -> Any:
        return self.elements.get(name)

    def fault_in(self, *names: str) -> Fault | None:
        """The first fault in one of these elements."""
        for fault in self.faults:
            if re.split(r"[.\[]", fault.element, maxsplit=1)[0] in names:
                return fault
        return None


@cache
def _model(resource_type: str) -> type[BaseModel]:
    # Imported on first use: start-up does not pay for types nobody sends.
    module = import_module(f"fhir.resources.R4B.{resource_type.lower()}")
    model: type[BaseModel] = getattr(module, resource_type)
    return model


def sound(resource_type: str, raw: Mapping[str, Any], needed: tuple[str, ...]) -> Sound:
    """Validate the needed elements of a resource; `raw` itself is not changed."""
    elements = {name: _zoned(raw[name]) for name in needed if raw.get(name) is not None}
    if are_plain(_model(resource_type), elements):
        if not _clashing(elements):
            return Sound(elements)
    elif not _faults(resource_type, elements):
        return Sound(elements)
    kept: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in elements.items():
        cleaned, fault = _element(resource_type, name, value)
        if fault is None:
            kept[name] = cleaned
        else:
            faults.append(fault)
    if _faults(resource_type, kept):  # each is sound alone: two of one choice, such as onset[x]
        for name in _clashing(kept):
            faults.append(Fault(name, "one of several elements that exclude each other"))
            del kept[name]
    return Sound(kept, tuple(faults))


@cache
def _choice(name: str) -> str | None:
    """'onset' for onsetDateTime; None for an element that is no choice of types."""
    found = _CHOICE.match(name)
    return found.group(1) if found else None


def _zoned(value: Any) -> Any:
    """A time without its zone, which FHIR forbids and EHRs send, still names the day."""
    if isinstance(value, str):
        found = _NO_ZONE.fullmatch(value) if "T" in value else None
        return found.group(1) if found else value
    if isinstance(value, dict) and ("start" in value or "end" in value):
        return {key: _zoned(part) for key, part in value.items()}
    return value


def _clashing(elements: Mapping[str, Any]) -> list[str]:
    """All elements of every choice that is made more than once."""
    chosen = {name: choice for name in elements if (choice := _choice(name))}
    made = list(chosen.values())
    return [name for name, choice in chosen.items() if made.count(choice) > 1]


def _element(resource_type: str, name: str, value: Any) -> tuple[Any, Fault | None]:
    """One element alone, with fields FHIR does not know taken out of it."""
    for _ in range(4):
        faults = _faults(resource_type, {name: value})
        if not faults:
            return value, None
        unknown = [loc for loc, kind, _ in faults if kind == "extra_forbidden" and len(loc) > 1]
        if len(unknown) < len(faults):
            break
        for loc in unknown:
            value = _without(value, loc[1:])
    loc, _, message = next(f for f in faults if f[1] != "extra_forbidden" or len(f[0]) == 1)
    return None, Fault(_path(loc or (name,)), message)


def _without(value: Any, loc: tuple[int | str, ...]) -> Any:
    """A copy without the field at `loc`."""
    head, *rest = loc
    if isinstance(value, list) and isinstance(head, int):
        return [_without(v, tuple(rest)) if i == head and rest else v for i, v in enumerate(value)]
    if isinstance(value, dict):
        if not rest:
            return {key: part for key, part in value.items() if key != head}
        return {k: _without(v, tuple(rest)) if k == head else v for k, v in value.items()}
    return value


_Found = tuple[tuple[int | str, ...], str, str]


def _not_dates(elements: Mapping[str, Any]) -> list[_Found]:
    """A number for a date, which the models would read as seconds since 1970."""
    found: list[_Found] = []
    for name, value in elements.items():
        if _DATE.search(name) and not isinstance(value, str):
            found.append(((name,), "date", NOT_VALID))
        elif name.endswith("Period") and isinstance(value, dict):
            wrong = [end for end in ("start", "end") if not isinstance(value.get(end, ""), str)]
            found += [((name, end), "date", NOT_VALID) for end in wrong]
    return found


def _faults(resource_type: str, elements: Mapping[str, Any]) -> list[_Found]:
    if found := _not_dates(elements):
        return found
    try:
        _model(resource_type).model_validate(
            {"resourceType": resource_type, **_stand_ins(resource_type, elements), **elements}
        )
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False, include_context=False)
        return [(one["loc"], one["type"], NOT_VALID) for one in errors]
    except Exception:  # noqa: BLE001 - fhir.resources lets KeyError and TypeError out for odd nested types
        return [((), "error", NOT_VALID)]
    return []


def _stand_ins(resource_type: str, elements: Mapping[str, Any]) -> dict[str, Any]:
    """Required elements the record lacks; none of a choice that it has in another form."""
    chosen = {choice for name in elements if (choice := _choice(name))}
    return {
        name: value
        for name, value in REQUIRED[resource_type].items()
        if _choice(name) not in chosen
    }


def _path(loc: tuple[int | str, ...]) -> str:
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else f".{part}"
    return out.lstrip(".")
