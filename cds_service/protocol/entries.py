"""JSON of a call read entry by entry: what is made of one is dropped before the next is read.

A chart is hundreds of entries of Bundles, of which a handful matter. Read whole, it becomes some
ten times its size of objects, which are made, walked through and freed while the processor waits
for memory.

In valid JSON the bytes `,{"fullUrl":` stand nowhere but before an item of a list: within a string
the quotes would be escaped. What stands between two of them is one whole item when it can be read
by itself, and then a word may stand in its place while the rest is read. Entries written otherwise
(over several lines, or with another element first) are read with the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from cds_service.errors import BadRequest

#: how an entry that is not the first begins, in the order of FHIR; as most and as Python write it
_BETWEEN = (b',{"fullUrl":', b',{"resource":', b', {"fullUrl": ', b', {"resource": ')
_MOST_ENDS = 100  # pieces that are no entries: the ends of Bundles, one for each prefetch key
#: what stands for an entry while the rest is read; nobody outside can know it
_WORD = secrets.token_hex(16)
_IN_PLACE = b',"' + _WORD.encode("ascii") + b'"'


#: a body, and where in it an entry begins and ends -> what is made of the entry
Entry = Callable[[bytes, int, int], object]


def read(data: bytes, *, most: int, entry: Entry, rest: Callable[[bytes], Any]) -> Any:
    """What `rest` makes of `data`, with what `entry` makes of entries of prefetch Bundles in it.

    `entry` raises orjson.JSONDecodeError where it is told of what is no entry. None for what has
    to be read as a whole: it has fewer than two entries or more than `most`, they are not in
    prefetch Bundles, or `rest` raises BadRequest, which would name another place.
    """
    between = next((one for one in _BETWEEN if _is_twice(one, data)), None)
    if between is None:
        return None
    around, taken = _parts(data, between, entry, most)
    if len(taken) > most:
        return None
    try:
        value = rest(around)
    except BadRequest:
        return None
    return value if _put_back(value, taken) else None


def _is_twice(between: bytes, data: bytes) -> bool:
    first = data.find(between)
    return first >= 0 and data.find(between, first + 1) >= 0


def _parts(data: bytes, between: bytes, entry: Entry, most: int) -> tuple[bytes, list[object]]:
    """The JSON around the entries, and what was made of these: of one more than `most` at most."""
    around: list[bytes] = []
    taken: list[object] = []
    kept = ends = 0  # up to where `data` is in `around`, and how much was no entry
    start, find = data.find(between), data.find
    while (stop := find(between, start + 1)) >= 0 and ends < _MOST_ENDS and len(taken) <= most:
        try:
            taken.append(entry(data, start + 1, stop))
        except orjson.JSONDecodeError:
            ends += 1
        else:
            if kept < start:
                around.append(data[kept:start])
            around.append(_IN_PLACE)
            kept = stop
        start = stop
    around.append(data[kept:])
    return b"".join(around), taken


def _put_back(value: Any, taken: list[object]) -> bool:
    """Whether each found its place: not all lists of a call are those of prefetch Bundles."""
    left = iter(taken)
    found = 0
    for entries in _lists(value):
        places = [n for n, one in enumerate(entries) if one == _WORD]
        found += len(places)
        for place, one in zip(places, left, strict=False):
            entries[place] = one
    return found == len(taken)


def _lists(value: Any) -> Iterator[list[Any]]:
    """The entries of each Bundle that is a prefetch value, or one of several."""
    prefetch = value.get("prefetch") if isinstance(value, dict) else None
    for sent in prefetch.values() if isinstance(prefetch, dict) else ():
        for bundle in sent if isinstance(sent, list) else (sent,):
            entries = bundle.get("entry") if isinstance(bundle, dict) else None
            if isinstance(entries, list):
                yield entries
