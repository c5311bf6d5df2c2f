"""What was worked out once about a code or a text, kept: charts say the same things often.

Only what is short, and only so much of it: it comes from callers, who must not fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
Key = tuple[Hashable, ...]

MOST = 8_000  # things remembered of one kind
LONGEST = 200  # characters of a text; names of diagnoses and drugs are shorter
LARGEST = 2_000  # characters of a key: the texts and codings of a concept, or of several sites
PART = 50  # what each part of a key counts beside its characters, as Python needs for it


class Memory(dict[Key, T]):
    """Key -> what was worked out about it, shared by the threads of a process."""

    def keep(self, key: Key, worked_out: T) -> T:
        """Remembers it, unless the key is too large."""
        if _size(key) <= LARGEST:
            if len(self) >= MOST:
                self.clear()  # rare; what is common is soon back
            self[key] = worked_out
        return worked_out


def _size(key: Key) -> int:
    return sum(PART + (_size(part) if isinstance(part, tuple) else len(str(part))) for part in key)


def remembered(work_out: Callable[[str], T]) -> Callable[[str], T]:
    """`work_out` with a memory for short texts."""
    known = lru_cache(maxsize=MOST)(work_out)

    @wraps(work_out)
    def look_up(text: str) -> T:
        return known(text) if len(text) <= LONGEST else work_out(text)

    return look_up
