"""How often somebody may try to log in.

Counted are tries, not failures: many at once cannot slip through. Browsers from which an operator
has logged in before have a count of their own, so that strangers who use up the tries for a
name do not shut out the person who has it.
"""

from __future__ import annotations

import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import RateLimiter

NAME = RateLimitItemPerMinute(10, 15)  # tries for one name, or from one known browser
STRANGERS = RateLimitItemPerMinute(60, 1)  # tries from all browsers that are not known


class Attempts:
    """Counts in the storage of `counter`; `shares` is how many such counters there are."""

    def __init__(self, counter: RateLimiter, shares: int = 1) -> None:
        self._counter = counter
        self._name = _part(NAME, shares)
        self._strangers = _part(STRANGERS, shares)

    def wait(self, name: str, browser: str | None) -> int:
        """Counts a try; the seconds until there may be one, 0: now.

        `browser` is a known browser of this operator.
        """
        if browser:
            return self._take(self._name, "login-browser", browser)
        return self._take(self._name, "login-name", name) or self._take(
            self._strangers, "login-strangers"
        )

    def _take(self, limit: RateLimitItem, *whose: str) -> int:
        if self._counter.hit(limit, *whose):
            return 0
        return max(1, round(self._counter.get_window_stats(limit, *whose).reset_time - time.time()))


def _part(limit: RateLimitItem, shares: int) -> RateLimitItem:
    """What one of several processes that do not share their counts may let through."""
    return type(limit)(max(1, limit.amount // shares), limit.multiples)
