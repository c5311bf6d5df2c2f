"""PostgreSQL that stops, hangs or takes no more connections; several servers on one.

Real servers under a load of a fixed number of calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from cds_service.ledger.tables import calls, cards, feedback
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Running
from tests.ledger.conftest import Bases
from tests.ledger.load import Load, advised, eventually, metric, parts, refused, without_workers
from tests.ledger.telling import FEEDBACK, accepted
from tests.postgres import Postgres
from tests.trust.signing import Ehr, Key, jwks

pytestmark = pytest.mark.slow
Serve = Callable[..., Running]
HOSPITAL = "https://cds.example.org"


def is_told(running: Running, *, up: bool) -> bool:
    """Whether /ready and /metrics say so; while it is down, that something waits."""
    spool = "empty" if up else "waiting"

    def says() -> bool:
        told = parts(running)
        return (
            told["spool"] == spool
            and (told["database"] == "up") is up
            and metric(running, "cds_database_up") == up
            and (metric(running, "cds_spool_bytes") == 0) is up
        )

    return eventually(says)


def test_a_database_stopped_and_started_again_loses_and_doubles_nothing(
    new_base: Bases, serve: Serve, cluster: Postgres
) -> None:
    base = new_base("postgresql")
    running = serve(base)
    load = Load([running], clients=4, each=8)
    with load.under_way():
        load.reached(8)
        cluster.stop()
        try:
            assert eventually(lambda: len(load.told.refused) >= 8)
            during = Load([running], clients=2, each=3, telling=False).run()
            assert set(during.calls) == {200}
            assert base.waiting() > 0
            assert refused(running)
            assert is_told(running, up=False)
        finally:
            cluster.start()
    assert set(load.told.calls) == {200}
    assert {one.status_code for one in load.told.refused} == {503}
    assert {one.headers["Retry-After"] for one in load.told.refused} == {"5"}
    load.told.asked += during.asked
    load.told.answered += during.answered
    load.told.cards += during.cards
    base.holds(load.told)
    assert is_told(running, up=True)


def test_a_site_that_demands_records_and_fresh_tokens_is_told_to_wait(
    new_base: Bases, serve: Serve, cluster: Postgres, tmp_path: Path
) -> None:
    ehr = Ehr(Key("a"))
    (tmp_path / "keys.json").write_bytes(jwks(ehr.key))
    site = tmp_path / "site.toml"
    site.write_text(f'[clients.north]\niss = "{ehr.iss}"\njwks = "keys.json"\n')
    base = new_base("postgresql")
    demanding = serve(base, workers=1, CDS_SERVICE_LEDGER_REQUIRED="true")
    strict = serve(
        base,
        workers=1,
        CDS_SERVICE_AUTH="required",
        CDS_SERVICE_CONFIG=str(site),
        CDS_SERVICE_PUBLIC_URL=HOSPITAL,
        CDS_SERVICE_REPLAY="strict",
    )

    def asked(running: Running) -> requests.Response:
        headers = ehr.bearer(HOSPITAL + VIEW)
        return requests.post(running.url + VIEW, json=overdue(), headers=headers, timeout=60)

    assert [asked(one).status_code for one in (demanding, strict)] == [200, 200]
    cluster.stop()
    try:
        for one, told in ((demanding, "The database"), (strict, "Not available now.")):
            answer = asked(one)
            assert answer.status_code == 503
            (issue,) = answer.json()["issue"]
            assert issue["code"] == "transient"
            assert issue["diagnostics"].startswith(told)
        assert base.waiting() == 0
    finally:
        cluster.start()
    for one in (demanding, strict):
        assert eventually(lambda one=one: asked(one).status_code == 200)


def test_a_database_that_hangs_holds_up_no_advice(
    new_base: Bases, serve: Serve, cluster: Postgres
) -> None:
    """More work is begun than there are threads for it: what hangs does not pile up."""
    base = new_base("postgresql", CDS_SERVICE_DATABASE_TIMEOUT="200", CDS_SERVICE_IN_FLIGHT="2")
    running = serve(base, workers=1)
    before = Load([running], clients=1, each=2).run()
    cluster.hang()
    try:
        load = Load([running], clients=2, each=12, telling=False)
        during = load.run()
        assert set(during.calls) <= {200, 503}  # 503: more at once than are worked on
        assert during.answered >= 12
        assert base.waiting() > 0
        assert refused(running)
        assert eventually(lambda: parts(running)["database"] == "down")
    finally:
        cluster.go_on()
    after = Load([running], clients=1, each=2).run()
    before.asked += during.asked + after.asked
    before.answered += during.answered + after.answered
    before.cards += during.cards + after.cards
    before.feedback += after.feedback
    base.holds(before)


def test_a_database_that_takes_no_more_connections_holds_up_no_advice(
    new_base: Bases, serve: Serve, cluster: Postgres
) -> None:
    base = new_base("postgresql")
    cluster.stop()
    cluster.start("max_connections=12")
    running = serve(base)
    with ExitStack() as taken:
        with without_workers(running):  # which have a connection from their start
            assert eventually(lambda: cluster.connections("cds-service") == 0)
            assert cluster.take(taken) > 0
        during = Load([running], clients=2, each=4, telling=False).run()
        assert set(during.calls) == {200}
        assert refused(running, during.cards[0])
        assert base.waiting() > 0
    assert eventually(lambda: not refused(running, during.cards[0]))
    during.feedback.append(during.cards[0])
    base.holds(during)
    cluster.stop()
    cluster.start()


def test_two_servers_share_one_database(new_base: Bases, serve: Serve) -> None:
    base = new_base("postgresql")
    load = Load([serve(base), serve(base)], clients=4, each=6)
    base.holds(load.run())  # each card's feedback went to the server that had not issued it


def test_the_same_call_at_both_servers_at_once_is_one_card(new_base: Bases, serve: Serve) -> None:
    base = new_base("postgresql", CDS_SERVICE_PUBLIC_URL=HOSPITAL)
    both = [serve(base, workers=1) for _ in range(2)]
    body = overdue()

    def ask(number: int) -> Any:
        answer = requests.post(both[number % 2].url + VIEW, json=body, timeout=60)
        assert answer.status_code == 200
        return answer.json()["cards"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(24)))
        assert all(one == answers[0] for one in answers)
        ((card,), *_) = answers

        def tell(number: int) -> int:
            url = both[number % 2].url + FEEDBACK
            sent = {"feedback": [accepted(card)]}
            return requests.post(url, json=sent, timeout=60).status_code

        assert Counter(pool.map(tell, range(12))) == {200: 12}
    with base.opened() as store, store.read() as connection:
        assert connection.execute(select(cards.c.uuid, cards.c.issued)).all() == [
            (card["uuid"], 24)
        ]
        for table, number in ((calls, 24), (feedback, 1)):
            assert connection.scalar(select(func.count()).select_from(table)) == number
    assert advised(both[0]) == card
