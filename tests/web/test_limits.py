from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import PayloadTooLarge
from cds_service.web.wire import DEPTH, Limits, parse_json
from tests.web.test_errors import outcome, post

CALL = {
    "hook": "patient-view",
    "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
    "context": {"patientId": "rosa", "userId": "Practitioner/1"},
}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(resource_limit=3, string_limit=1000).test_client()


def with_prefetch(*resources: dict[str, Any]) -> bytes:
    entry = [{"resource": resource} for resource in resources]
    return json.dumps(
        CALL | {"prefetch": {"p": {"resourceType": "Bundle", "entry": entry}}}
    ).encode()


def test_the_last_resource_within_the_limit_is_read(client: FlaskClient) -> None:
    goal = {"resourceType": "Goal"}
    assert post(client, with_prefetch(goal, goal)).status_code == 200
    told = outcome(post(client, with_prefetch(goal, goal, goal)), 413, "too-long")
    assert told == "The body holds more than 3 resources."


def test_contained_resources_and_escaped_keys_count(client: FlaskClient) -> None:
    goal = {"resourceType": "Goal", "contained": [{"resourceType": "Patient"}]}
    data = with_prefetch(goal, {"resourceType": "Goal"})
    for sent in (data, data.replace(b"resourceType", b"resource\\u0054ype")):
        outcome(post(client, sent), 413, "too-long")


def test_a_text_that_speaks_of_resources_counts_as_none(client: FlaskClient) -> None:
    text = '"resourceType":' * 9
    goal = {"resourceType": "Goal", "id": text}
    assert post(client, with_prefetch(goal)).status_code == 200


@pytest.mark.parametrize("character", ["x", '"', "\\", "\\\\", "é", "\n", '\\"'])
def test_a_string_over_the_limit_is_413(client: FlaskClient, character: str) -> None:
    longest = character * (1000 // len(orjson.dumps(character)[1:-1]))
    within = post(client, with_prefetch({"resourceType": "Goal", "id": longest}))
    assert within.status_code == 200
    beyond = post(client, with_prefetch({"resourceType": "Goal", "id": longest + character}))
    assert outcome(beyond, 413, "too-long") == "A value in the body is longer than 1000 bytes."


def test_a_key_over_the_limit_is_413_too(client: FlaskClient) -> None:
    outcome(post(client, with_prefetch({"k" * 1001: 1})), 413, "too-long")


@given(st.lists(st.text(max_size=40)), st.integers(1, 30))
def test_the_longest_string_decides(texts: list[str], limit: int) -> None:
    limits = Limits(body=10_000, resources=10, string=limit)
    longest = max((len(orjson.dumps(text)) - 2 for text in texts), default=0)
    data = orjson.dumps(texts)
    if longest > limit:
        with pytest.raises(PayloadTooLarge):
            parse_json(data, limits)
    elif limit > 2:  # a comma between two strings is a stretch of its own
        assert parse_json(data, limits) == texts


def test_the_depth_named_is_the_depth_read(client: FlaskClient) -> None:
    def nested(levels: int) -> bytes:
        return b"[" * levels + b"]" * levels

    assert "nested" not in outcome(post(client, nested(DEPTH)), 400, "structure")
    told = outcome(post(client, nested(DEPTH + 1)), 400, "invalid")
    assert told == f"The body is nested more than {DEPTH} levels deep."
