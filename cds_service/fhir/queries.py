"""Prefetch templates, filled from the context of a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

PAGE = 500  # resources on a page; a server may send fewer
_TOKEN = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def fill(template: str, context: Mapping[str, Any]) -> str | None:
    """The query relative to the FHIR base, or None when the context does not hold what it needs.

    Understood is `{{context.name}}` for text and numbers, which is all the services here use.
    """
    names = [token.removeprefix("context.") for token in _TOKEN.findall(template)]
    if not all(isinstance(context.get(name), str | int) for name in names):
        return None
    filled = _TOKEN.sub(
        lambda token: quote(str(context[token[1].removeprefix("context.")]), safe=""), template
    )
    return with_count(filled) if "?" in filled else filled


def with_count(query: str) -> str:
    """Asks for large pages: each one more is a round trip."""
    return query if re.search(r"[?&]_count=", query) else f"{query}&_count={PAGE}"
