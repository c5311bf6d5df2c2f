"""`make soak` in short: a fixed number of calls, every kind of trouble once, every promise kept."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
import urllib3

from tools.soak import report
from tools.soak.calls import Call, Expected, canonical, record, templates
from tools.soak.client import PARTLY, RIGHT, SHED, judged
from tools.soak.result import Plan
from tools.soak.run import run
from tools.soak.trouble import ACTS
from tools.soak.world import BAD, GOOD, WRONG_PATIENT, world

CARD = {"uuid": "u", "summary": "A card", "indicator": "info"}
TOLD = {"cards": [CARD]}
OUTCOME = {"resourceType": "OperationOutcome", "issue": []}


@pytest.mark.slow
def test_every_promise_is_kept_whatever_is_done_to_the_service() -> None:
    result = run(Plan(number=140, rate=14, rounds=1, timed=False, right=0.5))
    assert [(one.name, one.found) for one in result.promises if not one.kept] == []
    assert len(result.promises) == 11
    assert Counter(one.name for one in result.happened) == Counter(list(ACTS))
    assert result.tally.feedback.total() > 0
    text = "\n".join(report.page(result, "soak"))
    assert "broken" not in text
    assert orjson.loads(orjson.dumps(report.as_json(result)))["answers"] == result.tally.verdicts


@pytest.mark.slow
def test_what_is_expected_is_made_by_the_engine_and_shows_nothing_of_another_patient() -> None:
    with world(record(), workers=1) as started:
        calls = {one.fhir: one for one in Expected(started).calls(160)}
    most = calls[GOOD].most
    good = orjson.loads(calls.pop(GOOD).answer)
    calls.pop("")
    assert set(calls) == {WRONG_PATIENT, *BAD}
    assert frozenset(card["summary"] for card in good["cards"]) == most != frozenset()
    for bad in calls.values():
        assert bad.most == frozenset()
        assert bad.status == 412 or orjson.loads(bad.answer)["cards"] == []
    assert len({one["hook"] for one in templates()}) == 8


def answer(status: int, body: object, **headers: str) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(orjson.dumps(body), headers, status)


def call(fhir: str = "", most: frozenset[str] = frozenset(), status: int = 200) -> Call:
    return Call(service="s", data=b"", status=status, answer=canonical(TOLD), fhir=fhir, most=most)


@pytest.mark.parametrize(
    ("given", "told", "verdict"),
    [
        (call(), answer(200, TOLD), RIGHT),
        (call(), answer(200, {"cards": []}), "another answer than the engine's"),
        (call(), answer(200, TOLD | {"extension": {}}), "another answer than the engine's"),
        (call(), answer(503, OUTCOME, **{"Retry-After": "1"}), SHED),
        (call(), answer(503, OUTCOME), "complete: 503 in place of 200"),
        (call(), answer(503, {}, **{"Retry-After": "1"}), "complete: 503 in place of 200"),
        (call(), answer(500, OUTCOME), "complete: 500 in place of 200"),
        (call(), answer(401, OUTCOME), "complete: 401 in place of 200"),
        (call(), answer(412, OUTCOME), "complete: 412 in place of 200"),
        (call(status=412), answer(412, OUTCOME), RIGHT),
        (call(status=412), answer(412, {}), "412 without an outcome"),
        (call("stalls", status=412), answer(200, TOLD), "stalls: cards that nothing speaks for"),
        (call("stalls"), answer(200, TOLD), "stalls: cards that nothing speaks for"),
        (
            call("another patient's data"),
            answer(200, TOLD | {"extension": {"unjudged": {}}}),
            "another patient's data: cards that nothing speaks for",
        ),
        (call("stalls", status=412), answer(412, OUTCOME), RIGHT),
        (call("good"), answer(412, OUTCOME), PARTLY),
        (call("good", frozenset({"A card"})), answer(200, TOLD), RIGHT),
        (
            call("good", frozenset({"A card"})),
            answer(200, {"cards": []}),
            "good: what is missing is not named",
        ),
        (
            call("good", frozenset({"A card"})),
            answer(200, {"cards": [], "extension": {"unjudged": {}}}),
            PARTLY,
        ),
    ],
)
def test_an_answer_is_judged(given: Call, told: urllib3.HTTPResponse, verdict: str) -> None:
    assert judged(given, told)[0] == verdict
