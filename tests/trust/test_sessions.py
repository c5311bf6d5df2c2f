"""How long an operator stays logged in, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cds_service.store.engine import Store
from cds_service.store.keys import new_line as new_key
from cds_service.store.tables import sessions as table
from cds_service.trust.operators import Operators, keep
from cds_service.trust.sessions import Sessions
from tests.operators import OTHER, line, operators_file

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADA = line("ada").partition(":")[2]


@pytest.fixture
def sessions(store: Store, tmp_path: Path) -> Sessions:
    """Idle for half an hour, eight hours in all."""
    operators = Operators(operators_file(tmp_path))
    return Sessions(store, operators, idle=30 * MINUTE, life=480 * MINUTE)


def test_whoever_logged_in_is_known_by_the_secret_alone(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    assert sessions.operator(secret, NOW) == "ada"
    assert sessions.operator(secret[:-1], NOW) is None
    assert sessions.operator("", NOW) is None


def test_the_database_holds_no_secret(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    with sessions.store.read() as connection:
        (row,) = connection.execute(select(table)).all()
    told = " ".join(map(str, row))
    assert secret not in told
    assert ADA not in told


def test_an_idle_session_ends(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    assert sessions.operator(secret, NOW + 29 * MINUTE) == "ada"
    assert sessions.operator(secret, NOW + 58 * MINUTE) == "ada"  # it was in use meanwhile
    assert sessions.operator(secret, NOW + 88 * MINUTE) is None


def test_a_session_in_use_ends_when_its_life_does(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    for number in range(1, 24):
        assert sessions.operator(secret, NOW + number * 20 * MINUTE) == "ada"
    assert sessions.operator(secret, NOW + 480 * MINUTE) is None


def test_a_session_that_was_logged_out_is_over(sessions: Sessions) -> None:
    secret, other = sessions.begin("ada", ADA, NOW), sessions.begin("ada", ADA, NOW)
    sessions.end(secret)
    assert sessions.operator(secret, NOW) is None
    assert sessions.operator(other, NOW) == "ada"


def test_a_new_password_ends_what_the_old_one_began(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    keep(sessions.operators.path, "ada", line("ada", OTHER))
    assert sessions.operator(secret, NOW) is None


def test_who_is_removed_is_logged_out(sessions: Sessions) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    keep(sessions.operators.path, "ada", None)
    assert sessions.operator(secret, NOW) is None


def test_a_new_key_ends_no_session(
    open_new: Callable[..., Store], sessions: Sessions, tmp_path: Path
) -> None:
    secret = sessions.begin("ada", ADA, NOW)
    held = next(path for path in (tmp_path / "state" / "keys", tmp_path / "keys") if path.exists())
    held.write_text(f"{new_key()}\n{held.read_text()}")
    later = Sessions(open_new(), sessions.operators, sessions.idle, sessions.life)
    assert later.store.keys.current != sessions.store.keys.current
    assert later.operator(secret, NOW) == "ada"
    later.end(secret)
    assert sessions.operator(secret, NOW) is None


def test_what_is_over_does_not_pile_up(sessions: Sessions) -> None:
    sessions.begin("ada", ADA, NOW)
    sessions.begin("ada", ADA, NOW + 481 * MINUTE)
    with sessions.store.read() as connection:
        assert len(connection.execute(select(table)).all()) == 1
