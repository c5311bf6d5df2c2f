"""Elements so plain that fhir.resources must accept them: they need not be asked about.

Validating a resource costs a tenth of a millisecond, and nearly all elements EHRs send are a
status, a date, a code, a reference. Whatever is not plainly sound is left to fhir.resources, so
this decides nothing but the time it takes: a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

_TOKEN = re.compile(r"[!-~]+")
#: no score, dose or age comes near; larger numbers may pass the limits of a FHIR type
_LARGE = 1_000_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)


def are_plain(model: type[BaseModel], elements: Mapping[str, Any]) -> bool:
    """Whether all of them are plainly sound elements of this fhir.resources model."""
    checks = _checks(model)
    for name, value in elements.items():
        check = checks.get(name)
        if check is None or not check(value):
            return False
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value.strip() == value != ""


def _token(value: Any) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _day(value: Any) -> bool:
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _moment(value: Any) -> bool:
    if _day(value):
        return True
    if not isinstance(value, str) or _MOMENT.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGE


def _decimal(value: Any) -> bool:
    return _number(value) or (isinstance(value, float) and abs(value) < _LARGE)


def _object(**parts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A JSON object of these members alone, at least one of them."""

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or not value:
            return False
        for name, part in value.items():
            sound = parts.get(name)
            if sound is None or not sound(part):
                return False
        return True

    return check


def _list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(map(of, value))

    return check


_CODING = _object(system=_token, code=_token, display=_text, version=_token, userSelected=_boolean)
_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "bool": _boolean,
    "Code": _token,
    "Date": _day,
    "DateTime": _moment,
    "Integer": _number,
    "String": _text,
    "CodeableConceptType": _object(coding=_list(_CODING), text=_text),
    "PeriodType": _object(start=_moment, end=_moment),
    "QuantityType": _object(value=_decimal, unit=_text, system=_token, code=_token),
    "ReferenceType": _object(reference=_token, display=_text, type=_token),
}


@cache
def _checks(model: type[BaseModel]) -> Mapping[str, Callable[[Any], bool]]:
    """Element -> its check, for those of a type that has one. Read from the model itself."""
    found = {}
    for name, field in model.model_fields.items():
        type_name, many = _type_of(field.annotation)
        check = _CHECKS.get(type_name)
        if check is not None:
            found[field.alias or name] = _list(check) if many else check
    return found


def _type_of(annotation: Any) -> tuple[str, bool]:
    """The FHIR type behind Optional[...], List[...] and Annotated[...]; whether it is a list."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type(parts[1]).__name__, False
    if origin is list:
        return _type_of(parts[0])[0], True
    inner = [part for part in parts if part is not type(None)]
    if len(inner) == 1:
        return _type_of(inner[0])
    return getattr(annotation, "__name__", ""), False
