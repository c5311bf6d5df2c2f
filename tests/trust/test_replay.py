from __future__ import annotations

import pytest

from cds_service.errors import NotAuthenticated, Unverifiable
from cds_service.trust.refusals import degraded
from cds_service.trust.replay import Full, LocalNonces, NoncesUnavailable, ReplayGuard


class Down:
    def remember(self, client: str, jti: str, until: float) -> bool:
        raise NoncesUnavailable


class Others:
    """The memory of other processes."""

    def __init__(self, *seen: str) -> None:
        self.seen = set(seen)

    def remember(self, client: str, jti: str, until: float) -> bool:
        return jti not in self.seen


def guard(shared: object, *, strict: bool = False) -> ReplayGuard:
    return ReplayGuard(LocalNonces(), shared, strict=strict)  # type: ignore[arg-type]


def test_a_token_is_taken_once() -> None:
    one = guard(None)
    one.once("north", "1", 2e9)
    with pytest.raises(NotAuthenticated):
        one.once("north", "1", 2e9)


def test_clients_do_not_share_token_ids() -> None:
    one = guard(None)
    one.once("a", "b", 2e9)
    one.once("ab", "", 2e9)
    one.once("south", "b", 2e9)


def test_a_token_another_process_has_seen_is_refused() -> None:
    with pytest.raises(NotAuthenticated):
        guard(Others("1")).once("north", "1", 2e9)


def test_without_the_database_each_process_still_checks_and_tells() -> None:
    told = []

    def receiver(sender: object) -> None:
        told.append(sender)

    one = guard(Down())
    with degraded.connected_to(receiver):
        one.once("north", "1", 2e9)
        with pytest.raises(NotAuthenticated):
            one.once("north", "1", 2e9)
    assert told == ["replay-local"]


def test_strict_means_refusing_what_cannot_be_checked() -> None:
    with pytest.raises(Unverifiable):
        guard(Down(), strict=True).once("north", "1", 2e9)


def test_a_process_forgets_what_is_too_old_and_nothing_else() -> None:
    time = [1000.0]
    local = LocalNonces(most=2, now=lambda: time[0])
    assert local.remember(b"a", 1010)
    assert local.remember(b"b", 1020)
    assert not local.remember(b"a", 1010)
    with pytest.raises(Full):
        local.remember(b"c", 1030)
    time[0] = 1011
    assert local.remember(b"c", 1030)
    assert not local.remember(b"b", 1020)
