"""The bodies the benchmark sends are what it says of them."""

from __future__ import annotations

import orjson
import pytest

from cds_service.demo.patients import DEMO_TODAY
from cds_service.fhir.codes import Codes
from cds_service.protocol.request import parse
from cds_service.service import answer
from cds_service.terminology import default_terminology
from hooks.patient_view import SERVICE
from tools.bench.bodies import NEW, body
from tools.bench.measure import INSTANCE, USER, marked
from tools.refresh_fixtures import SITE

SHAPES = [(10_000, 5), (100_000, 5), (100_000, 20), (100_000, 100), (1_000_000, 20)]


@pytest.mark.parametrize(("size", "relevant"), SHAPES)
def test_a_body_has_the_size_it_was_asked_for(size: int, relevant: int) -> None:
    assert size <= body(size, relevant).size < size * 1.05


@pytest.mark.parametrize(("size", "relevant"), SHAPES)
def test_a_body_holds_so_many_resources_that_a_value_set_knows(size: int, relevant: int) -> None:
    codes = Codes(default_terminology())
    prefetch = orjson.loads(body(size, relevant).data)["prefetch"]
    listed = [e["resource"] for v in prefetch.values() for e in v.get("entry", [])]
    known = [
        one
        for one in listed
        if not codes.says_nothing(one.get("code") or one["medicationCodeableConcept"])
    ]
    assert len(known) + 1 == relevant  # and the Patient
    assert len(listed) + 1 == body(size, relevant).resources


@pytest.mark.parametrize(("size", "relevant"), SHAPES)
def test_a_body_is_judged_and_brings_a_card(size: int, relevant: int) -> None:
    call = parse(orjson.loads(body(size, relevant).data), hook=SERVICE.hook)
    decision = answer(SERVICE, call, today=DEMO_TODAY, site=SITE)
    assert decision.cards
    assert not decision.unjudged()


def test_a_body_names_its_hook_instance_and_its_user_once() -> None:
    assert body(10_000, 5).data.count(INSTANCE) == 1
    assert body(10_000, 5).data.count(USER) == 1


def test_each_call_is_another_users_and_has_a_hook_instance_of_its_own() -> None:
    sent = [orjson.loads(marked(body(10_000, 5))) for _ in range(20)]
    assert len({one["context"]["userId"] for one in sent}) > 15  # of 65,536
    assert len({one["hookInstance"] for one in sent}) == 20


def said(data: bytes) -> list[str]:
    prefetch = orjson.loads(data)["prefetch"]
    listed = [e["resource"] for v in prefetch.values() for e in v.get("entry", [])]
    concepts = [one.get("code") or one["medicationCodeableConcept"] for one in listed]
    return [one["text"] for one in concepts if "note" in one.get("text", "")]


def test_no_text_of_padding_with_new_words_was_in_a_call_before() -> None:
    made = body(100_000, 5, new=True)
    both = said(marked(made)) + said(marked(made))
    assert len(set(both)) == len(both) == 2 * (made.resources - 5)
    assert NEW not in marked(made)
    assert len(marked(made)) == made.size
    usual = said(marked(body(100_000, 5)))
    assert usual == said(marked(body(100_000, 5)))


def test_a_body_with_new_words_is_judged_as_the_usual_one() -> None:
    def judged(new: bool) -> list[str]:
        call = parse(orjson.loads(marked(body(100_000, 20, new=new))), hook=SERVICE.hook)
        decision = answer(SERVICE, call, today=DEMO_TODAY, site=SITE)
        assert not decision.unjudged()
        return [card["summary"] for card in decision.cards]

    assert judged(new=True) == judged(new=False) != []
