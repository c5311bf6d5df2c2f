"""Left, right, both, or not stated. Unknown laterality stays unknown: it is never a match."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from cds_service.patient.when import NO, UNKNOWN, YES, Answer


class Laterality(Enum):
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, words: Iterable[str | None]) -> Laterality:
        """From side words of one source: left and right together are both."""
        found = {word for word in words if word}
        if not found:
            return cls.UNKNOWN
        return cls(found.pop()) if len(found) == 1 else cls.BOTH

    @classmethod
    def agreed(cls, sources: Iterable[Laterality]) -> Laterality:
        """What several sources say together; sources that conflict leave the side unknown (G1a)."""
        stated = {source for source in sources if source is not cls.UNKNOWN}
        return stated.pop() if len(stated) == 1 else cls.UNKNOWN

    def covers(self, side: Laterality) -> Answer:
        """Does this record concern the side? UNKNOWN when either is not stated."""
        if Laterality.UNKNOWN in (self, side):
            return UNKNOWN
        return YES if self in (side, Laterality.BOTH) else NO

    @property
    def other(self) -> Laterality:
        return {LEFT: RIGHT, RIGHT: LEFT}.get(self, self)

    @property
    def words(self) -> str:
        """For a sentence: 'left', 'right', 'left and right', or '' when not stated."""
        return {"both": "left and right", "unknown": ""}.get(self.value, self.value)


LEFT, RIGHT, BOTH, NOT_STATED = (
    Laterality.LEFT,
    Laterality.RIGHT,
    Laterality.BOTH,
    Laterality.UNKNOWN,
)
