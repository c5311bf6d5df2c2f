"""A token is new once, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from cds_service.errors import Unavailable
from cds_service.store.engine import Store
from cds_service.store.nonces import remember
from cds_service.store.tables import nonces
from cds_service.trust.replay import StoredNonces
from tests.stores import revert

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


def test_a_token_is_new_once(store: Store) -> None:
    assert remember(store, client="ehr", jti="a", expires=SOON, now=NOW)
    assert not remember(store, client="ehr", jti="a", expires=SOON, now=NOW)


def test_another_client_may_use_the_same_id(store: Store) -> None:
    assert remember(store, client="ehr", jti="a", expires=SOON, now=NOW)
    assert remember(store, client="other", jti="a", expires=SOON, now=NOW)


def test_of_many_at_once_on_several_machines_one_is_new(open_new: Callable[..., Store]) -> None:
    stores = [open_new() for _ in range(3)]

    def attempt(n: int) -> bool:
        return remember(stores[n % 3], client="ehr", jti="a", expires=SOON, now=NOW)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(attempt, range(60))) == 1


def test_expired_tokens_are_forgotten(store: Store) -> None:
    remember(store, client="ehr", jti="a", expires=SOON, now=NOW)
    remember(store, client="ehr", jti="b", expires=SOON, now=SOON + timedelta(seconds=1))
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(nonces)) == 1


def test_a_process_deletes_what_has_expired_once_a_second(store: Store) -> None:
    clock = [SOON.timestamp()]
    seen = StoredNonces(store, now=lambda: clock[0])

    def kept(jti: str, after: float, until: float = 300) -> int:
        """How many there are once this one has come, so much later."""
        clock[0] += after
        assert seen.remember("ehr", jti, clock[0] + until)
        with store.read() as connection:
            return connection.scalar(select(func.count()).select_from(nonces)) or 0

    assert kept("a", after=0, until=0.2) == 1
    assert kept("b", after=0.5) == 2  # expired, and not yet deleted
    assert kept("c", after=0.5) == 2  # without a
    assert kept("d", after=0.5, until=-7200) == 3
    assert kept("e", after=-3600) == 3  # without d: a clock put back does not stop it


def test_the_token_itself_is_not_kept(store: Store) -> None:
    remember(store, client="ehr", jti="a-very-secret-id", expires=SOON, now=NOW)
    with store.read() as connection:
        assert "secret" not in str(connection.execute(select(nonces)).all())


def test_without_a_table_the_answer_is_that_nobody_knows(store: Store) -> None:
    revert(store)
    with pytest.raises(Unavailable):
        remember(store, client="ehr", jti="a", expires=SOON, now=NOW)
