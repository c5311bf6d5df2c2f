"""A median and how well it is known: what a target is judged by.

Rounds of two servers alternate, so they are compared round by round; what slows the machine for a
while slows both. The median of the differences lies, in 19 of 20 runs, between two of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Measured:
    """The median, and the range it is known to lie in."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Measured:
        """Of at least one value."""
        ordered = sorted(values)
        cut = _cut(len(ordered))
        return cls(statistics.median(ordered), ordered[cut], ordered[-1 - cut])

    @classmethod
    def exactly(cls, value: float) -> Measured:
        """What was counted, or measured once."""
        return cls(value, value, value)


def paired(
    one: Sequence[float], other: Sequence[float], compare: Callable[[float, float], float]
) -> Measured:
    """Of what `compare` finds in each round."""
    return Measured.of(compare(*both) for both in zip(one, other, strict=True))


def _cut(number: int) -> int:
    """How many values at each end may be left out (sign test); none of fewer than nine."""
    below = accumulate(math.comb(number, k) / 2**number for k in range(number))
    return max(0, sum(share <= (1 - CONFIDENCE) / 2 for share in below) - 1)
