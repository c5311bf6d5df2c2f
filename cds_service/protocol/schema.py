"""The JSON Schemas of the messages, by name; they may refer to each other."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

#: what other schemas refer to
_SHARED = ("context.json", "filled.json")


@cache
def validator(name: str) -> Draft202012Validator:
    """For `schemas/<name>.json`."""
    shared: Registry[Any] = Registry().with_resources(
        (file, DRAFT202012.create_resource(_read(file))) for file in _SHARED
    )
    return Draft202012Validator(_read(f"{name}.json"), registry=shared)


def _read(file: str) -> Any:
    text = (resources.files(__package__) / "schemas" / file).read_text(encoding="utf-8")
    return json.loads(text)
