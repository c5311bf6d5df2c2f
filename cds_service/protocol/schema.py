"""The JSON Schemas of the messages, by name; they may refer to each other."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

#: what other schemas refer to as a whole, since it refers to itself
_FILLED = "filled.json"


@cache
def validator(name: str) -> Draft202012Validator:
    """For `schemas/<name>.json`."""
    filled = DRAFT202012.create_resource(_read(_FILLED))
    shared: Registry[Any] = Registry().with_resource(_FILLED, filled)
    return Draft202012Validator(_read(f"{name}.json"), registry=shared)


def _read(file: str) -> Any:
    text = (resources.files(__package__) / "schemas" / file).read_text(encoding="utf-8")
    return json.loads(text, object_hook=_inlined)


def _inlined(part: dict[str, Any]) -> Any:
    """What a reference into another file names, in its place: following it costs as the check."""
    file, _, name = part.get("$ref", "").partition("#/$defs/")
    return _read(file)["$defs"][name] if file and name else part
