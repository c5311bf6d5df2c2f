"""How often somebody may try to log in.

Counted are tries, not failures: many at once cannot slip through. Browsers from which an operator
has logged in before have a count of their own, so that strangers who use up the tries for a
name do not shut out the person who has it.
"""

from __future__ import annotations

from limits import RateLimitItemPerMinute

from cds_service.trust.rates import Rates

NAME = RateLimitItemPerMinute(10, 15)  # tries for one name, or from one known browser
STRANGERS = RateLimitItemPerMinute(60, 1)  # tries from all browsers that are not known


class Attempts:
    """Counted as calls of clients are: in Redis, or by each process its share."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    def wait(self, name: str, browser: str | None) -> int:
        """Counts a try; the seconds until there may be one, 0: now.

        `browser` is a known browser of this operator.
        """
        if browser:
            return self._rates.take(NAME, "login-browser", browser)
        # Strangers first: names they make up are not remembered beyond what all of them may try.
        return self._rates.take(STRANGERS, "login-strangers") or self._rates.take(
            NAME, "login-name", name
        )
