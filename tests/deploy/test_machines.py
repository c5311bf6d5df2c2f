"""Three machines behind nginx: one dies and one is added while calls go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import select

from cds_service.ledger.tables import calls, cards, feedback
from tests.conformance.calls import VIEW, overdue
from tests.conftest import Running, Start
from tests.deploy.clinic import Clinic
from tests.deploy.machines import LIMIT, Deployment
from tests.deploy.nginx import new_nginx
from tests.ledger.telling import FEEDBACK, overridden
from tests.ledger.test_repeats import info
from tests.postgres import Postgres
from tests.redis_server import new_redis

pytestmark = pytest.mark.slow

CALLS, AFTER, CALLERS = 180, 30, 4


@pytest.fixture(scope="module")
def three(
    start: Start, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    nginx = new_nginx(tmp_path_factory.mktemp("nginx"))
    database = postgres.create(f"machines{uuid4().hex}")
    redis = new_redis(tmp_path_factory.mktemp("redis"))
    folder = tmp_path_factory.mktemp("machines")
    deployed = Deployment(start, nginx, folder, database, redis=redis.url)
    deployed.prepare()
    for _ in range(3):
        deployed.add()
    deployed.serve()
    yield deployed
    nginx.stop()
    for machine in deployed.machines:
        machine.stop()
    redis.stop()


def test_one_dies_and_one_is_added_and_nothing_acknowledged_is_lost(three: Deployment) -> None:
    def grow() -> None:
        three.add()
        three.serve()

    clinic = Clinic(
        three.post,
        at={CALLS // 4: lambda: three.kill(three.machines[1]), CALLS // 2: grow},
    )
    clinic.work(CALLS, callers=CALLERS)
    told = clinic.work(AFTER, callers=CALLERS)
    assert told.unsound == []
    assert (told.calls, told.silent) == (CALLS + AFTER, (CALLS + AFTER) // 3)
    # What was under way at the machine that died, and no more than that.
    assert told.refused <= CALLERS, told.refused
    store = three.store()
    with store.read() as connection:
        kept = set(connection.scalars(select(cards.c.uuid).where(cards.c.state == "shown")))
        answered = connection.execute(
            select(feedback.c.card_uuid).join(cards, cards.c.id == feedback.c.card)
        )
        heard = sorted(answered.scalars())
        recorded = len(list(connection.execute(select(calls.c.id))))
    store.close()
    assert kept >= set(told.cards)
    assert heard == sorted(told.feedback) == sorted(told.cards)
    # A call may be on record whose answer did not arrive; the client was told to come back.
    assert told.calls <= recorded <= told.calls + told.refused
    assert all(answers_of(machine) for machine in three.machines)


def test_taking_a_machine_away_in_order_costs_no_call(three: Deployment) -> None:
    leaving = three.machines[0]

    def leave() -> None:
        three.machines.remove(leaving)
        three.serve()
        leaving.process.terminate()

    told = Clinic(three.post, at={AFTER: leave}).work(2 * AFTER, callers=CALLERS)
    assert (told.calls, told.refused, told.unsound) == (2 * AFTER, 0, [])
    assert leaving.process.wait(timeout=30) == 0


def answers_of(machine: Running) -> int:
    """How many calls this machine has answered."""
    lines = [json.loads(one) for one in machine.log.read_text().splitlines() if one[:1] == "{"]
    return [one.get("service") for one in lines].count("pht-patient-view")


def test_a_token_serves_once_on_all_machines(three: Deployment) -> None:
    token = three.token()
    statuses = [
        three.post(overdue(), at=one.url, token=token).status_code for one in three.machines
    ]
    assert statuses == [200, *[401] * (len(three.machines) - 1)]
    assert three.post(overdue(), token=token).status_code == 401


def test_calls_beyond_a_limit_are_refused_by_all_machines_together(three: Deployment) -> None:
    url = three.nginx.url + VIEW
    tokens = [three.limited.token(url) for _ in range(LIMIT + 5)]
    answers = [three.post(overdue(), token=token) for token in tokens]
    statuses = [one.status_code for one in answers]
    assert statuses == [200] * LIMIT + [429] * 5
    assert all(int(one.headers["Retry-After"]) > 0 for one in answers[LIMIT:])


def test_a_dismissed_card_is_held_back_by_the_other_machines(three: Deployment) -> None:
    first, *others = three.machines
    sent = info(userId="Practitioner/dismisses")
    (card,) = three.post(sent, at=first.url).json()["cards"]
    told = {"feedback": [overridden(card)]}
    assert three.post(told, FEEDBACK, at=first.url).status_code == 200
    for other in others:
        again = sent | {"hookInstance": str(uuid4())}
        assert three.post(again, at=other.url).json()["cards"] == []


def test_a_pause_is_in_force_on_all_machines_and_ends_on_all(three: Deployment) -> None:
    three.command("pause", "surgical-referral-overdue", "--reason", "under review")
    assert seen_by_all(three, count=0)
    three.command("resume", "surgical-referral-overdue")
    assert seen_by_all(three, count=1)


def seen_by_all(three: Deployment, *, count: int) -> bool:
    """Whether every machine comes to show so many cards."""
    for machine in three.machines:
        for _ in range(60):  # each looks every five seconds
            if len(three.post(overdue(), at=machine.url).json()["cards"]) == count:
                break
            time.sleep(0.5)
        else:
            return False
    return True
