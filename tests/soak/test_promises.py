"""What each promise would not pass."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cds_service.demo.patients import DEMO_TODAY
from cds_service.ledger.ledger import Call as LedgerCall
from cds_service.ledger.ledger import Ledger
from cds_service.ledger.scope import Owner
from cds_service.protocol.request import parse
from cds_service.service import answer
from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.web import clock
from cds_service.web.wire import parse_json
from hooks.patient_view import SERVICE
from tests.trust.signing import Ehr, Key
from tools.bench.bodies import body
from tools.bench.servers import free_port
from tools.refresh_fixtures import SITE
from tools.soak import books, client
from tools.soak.calls import Call
from tools.soak.client import ATTEMPTS, PARTLY, RIGHT, SHED, Answered, Clients, Tally
from tools.soak.result import Plan, Result, answers
from tools.soak.trouble import BURST, KILLED, MORE, STOPPED, Event
from tools.soak.world import GOOD, World


def result(*seen: Answered, happened: tuple[Event, ...] = (), **plan: int) -> Result:
    tally = Tally(answers=list(seen), verdicts=Counter(one.verdict for one in seen))
    sent = len(seen) - BURST * sum(one.name == MORE for one in happened)
    made = Plan(**{"number": sent, "rate": 1, "rounds": 0, **plan})
    return Result(plan=made, tally=tally, happened=list(happened))


def seen(number: int, verdict: str, fhir: str = "", at: float = 0.0) -> list[Answered]:
    return [Answered(at + n, 0.01, verdict, fhir) for n in range(number)]


def broken(made: Result) -> set[str]:
    return {one.name for one in answers(made) if not one.kept}


ONLY = "of the calls with all they need 95% are answered as the engine does"
FETCHED = "of the calls at the good FHIR server 90% are answered as the engine does"
CAUSE = "none is told to come back but in a burst, at a reload, or without a database"
CUT = "connections break only when a process is killed"
WELL = (*seen(40, RIGHT), *seen(40, RIGHT, GOOD))


def test_a_service_that_answers_rightly_keeps_its_promises() -> None:
    assert broken(result(*WELL)) == set()


def test_a_service_that_refuses_everything_breaks_them() -> None:
    always = (Event(MORE, 0, 100),)  # even if there is a burst all the time
    assert broken(result(*seen(40, SHED), *seen(40, SHED, GOOD), happened=always)) == {
        ONLY,
        FETCHED,
    }


def test_a_service_that_never_asks_a_fhir_server_breaks_them() -> None:
    assert broken(result(*seen(40, RIGHT), *seen(40, PARTLY, GOOD))) == {FETCHED}
    assert broken(result(*seen(40, RIGHT))) == {FETCHED}


@pytest.mark.parametrize(("at", "name", "kept"), [
    (10, MORE, True), (10, STOPPED, True), (10, KILLED, False), (40, MORE, False),
])  # fmt: skip
def test_a_call_is_told_to_come_back_with_cause_alone(at: float, name: str, kept: bool) -> None:
    shed = seen(1, SHED, at=11)
    assert (CAUSE not in broken(result(*WELL, *shed, happened=(Event(name, at, at),)))) is kept


@pytest.mark.parametrize(("at", "kept"), [(11, True), (9, False), (30, False)])
def test_a_connection_breaks_with_cause_alone(at: float, kept: bool) -> None:
    made = result(*WELL, happened=(Event(KILLED, 10, 10), Event(STOPPED, 29, 31)))
    made.tally.lost.append(at)
    assert (CUT not in broken(made)) is kept


def test_a_call_that_is_never_answered_is_missed() -> None:
    assert broken(result(*WELL, number=81)) == {"every call is answered"}


def test_a_call_given_up_is_waited_for_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0)
    url = f"http://127.0.0.1:{free_port()}"  # nobody listens
    world = SimpleNamespace(service=SimpleNamespace(url=url), ehr=Ehr(Key("soak")))
    clients = Clients(cast("World", world), connections=1)
    clients.submit(Call(service="s", data=b"", status=200, answer=b""))
    tally = clients.finish()
    assert (tally.done, len(tally.answers)) == (1, 0)
    assert len(tally.lost) == tally.lost_calls == ATTEMPTS
    assert tally.wrong == [f"/cds-services/s was not answered in {ATTEMPTS} attempts"]


# --- books ---


@pytest.mark.parametrize(
    ("told", "answered", "cut_off", "kept"),
    [
        (2, 2, 0, (True, True)),
        (3, 2, 0, (False, True)),  # shown once more than is on record
        (2, 3, 0, (True, False)),  # a call is missing
        (2, 1, 0, (True, False)),  # one is on record that nobody was told of
        (2, 1, 1, (True, True)),  # that of the connection that broke
    ],
)
def test_the_books_are_held_against_what_clients_were_told(
    tmp_path: Path, told: int, answered: int, cut_off: int, kept: tuple[bool, bool]
) -> None:
    store = open_store(Settings.load(auth="open", state=tmp_path), bounded=False)
    ledger = Ledger(store, SITE, tmp_path / "spool", required=True, spool_limit=0)
    request = parse(parse_json(body(10_000, 5).data), hook=SERVICE.hook)
    call = LedgerCall(service=SERVICE.id, request=request, owner=Owner(client="soak"))
    decision = answer(SERVICE, request, today=DEMO_TODAY, site=SITE)
    for _ in range(2):
        ledger.record(call, decision, clock.now())
    tally = Tally(recorded=answered, lost_calls=cut_off)
    tally.cards.update({card["uuid"]: told for card in decision.cards})
    with store.read() as connection:
        shown, made, feedback = books._books(connection, tally)
    store.close()
    assert decision.cards
    assert (shown.kept, made.kept) == kept
    assert feedback.kept
