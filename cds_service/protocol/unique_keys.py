"""Whether JSON has a key twice: orjson keeps the last, other readers keep the first.

So that nothing is read two ways it is refused, from a caller as from a server asked.
"""

from __future__ import annotations

import json


class RepeatedKey(ValueError):
    """An object has the same key twice."""


def check(data: bytes, written: bytes) -> None:
    """Raises RepeatedKey. `written` is the value of `data` as orjson writes it.

    Each key brings one colon: fewer colons when written again means a key was lost. Colons
    inside strings survive unless written as an escape. The slow, certain check is made only when
    the count is off or such an escape occurs, and none for what most clients send: the very bytes
    that orjson writes.
    """
    if data == written:
        return
    if data.count(b":") != written.count(b":") or b"\\u003" in data:
        json.loads(data, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise RepeatedKey
