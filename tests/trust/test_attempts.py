"""How often somebody may try to log in."""

from __future__ import annotations

from pathlib import Path

from cds_service.trust.attempts import NAME, STRANGERS, Attempts
from cds_service.trust.rates import Rates
from tests.redis_server import new_redis


def attempts(shares: int = 1) -> Attempts:
    return Attempts(Rates(shares=shares))


def let_through(counted: Attempts, tries: int, name: str, browser: str | None = None) -> int:
    return [counted.wait(name, browser) for _ in range(tries)].count(0)


def test_a_name_can_be_tried_so_often_and_no_more() -> None:
    counted = attempts()
    assert let_through(counted, 50, "ada") == NAME.amount
    assert 0 < counted.wait("ada", None) <= NAME.get_expiry()


def test_strangers_do_not_shut_out_a_browser_that_is_known() -> None:
    counted = attempts()
    let_through(counted, 500, "ada")
    assert let_through(counted, 50, "ada", "b1") == NAME.amount
    assert let_through(counted, 50, "ada", "b2") == NAME.amount


def test_many_names_are_tried_no_more_often_than_all_strangers_may() -> None:
    counted = attempts()
    let = sum(let_through(counted, 1, f"name-{number}") for number in range(200))
    assert let == STRANGERS.amount


def test_names_that_strangers_make_up_are_not_all_remembered() -> None:
    rates = Rates()
    let_through_all = [Attempts(rates).wait(f"name-{n}", None) for n in range(1_000)]
    assert let_through_all.count(0) == STRANGERS.amount
    held = rates._alone().storage.storage  # what the memory of this process has
    assert len([key for key in held if "login-name" in key]) <= 2 * STRANGERS.amount


def test_processes_that_count_by_themselves_share_what_may_be_tried() -> None:
    assert let_through(attempts(2), 50, "ada") == NAME.amount // 2
    assert let_through(attempts(64), 50, "ada") == 1


def test_with_redis_all_processes_and_machines_count_together(tmp_path: Path) -> None:
    server = new_redis(tmp_path)
    counters = [Rates(redis=server.url, shares=2, timeout=5.0) for _ in range(2)]
    try:
        let = [let_through(Attempts(rates), 20, "ada") for rates in counters]
        assert let == [NAME.amount, 0]
    finally:
        for rates in counters:
            rates.close()
        server.stop()
