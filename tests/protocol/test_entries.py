"""A body read entry by entry is the body read as a whole: the same value, the same refusals."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import BadRequest, CdsError
from cds_service.web.wire import Keep, Limits, parse_json
from tests.strategies import json_values

LIMITS = Limits(body=10_000_000, resources=50, string=1_000)


class Seen:
    """Keeps every entry as it is, and counts them."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, entry: Any, body: bytes, start: int, stop: int) -> Any:
        assert orjson.loads(body[start:stop]) == entry
        self.number += 1
        return entry


def bundle(*resources: Any) -> dict[str, Any]:
    entries = [{"fullUrl": f"urn:{n}", "resource": one} for n, one in enumerate(resources)]
    return {"resourceType": "Bundle", "total": len(entries), "entry": entries}


def body(**prefetch: Any) -> bytes:
    return orjson.dumps({"hook": "patient-view", "prefetch": prefetch, "extension": None})


def read(data: bytes, keep: Keep | None) -> Any:
    """The value, or what is wrong with it."""
    try:
        return parse_json(data, LIMITS, keep)
    except CdsError as error:
        return type(error).__name__, error.issues


def goals(number: int) -> list[dict[str, Any]]:
    return [
        {"resourceType": "Goal", "id": f"g{n}", "text": '},{\\"fullUrl":'} for n in range(number)
    ]


def test_all_but_the_first_and_last_of_each_bundle_are_read_by_themselves() -> None:
    seen, data = Seen(), body(a=bundle(*goals(5)), b=None, c=[bundle(*goals(4)), bundle()])
    assert read(data, seen) == orjson.loads(data)
    assert seen.number == 3 + 2


@pytest.mark.parametrize("first", ["fullUrl", "resource", "search"])
@pytest.mark.parametrize("indent", [None, 2])
def test_entries_written_otherwise_are_read_all_the_same(first: str, indent: int | None) -> None:
    seen, value = Seen(), orjson.loads(body(a=bundle(*goals(5))))
    for entry in value["prefetch"]["a"]["entry"]:
        entry["search"] = {"mode": "match"}
        entry |= {name: entry.pop(name) for name in list(entry) if name != first}
    assert read(json.dumps(value, indent=indent).encode(), seen) == value
    assert seen.number == (3 if indent is None and first != "search" else 0)


@pytest.mark.parametrize(
    "value",
    [
        {"context": {"draftOrders": bundle(*goals(5))}},
        {"prefetch": {"a": {"resourceType": "Bundle", "entry": [{"resource": bundle(*goals(5))}]}}},
        bundle(*goals(5)),
        [bundle(*goals(5))["entry"]],
    ],
    ids=["context", "within a Bundle", "no call", "a list"],
)
def test_entries_elsewhere_than_in_the_bundles_of_a_prefetch_are_read_too(value: Any) -> None:
    assert read(orjson.dumps(value), lambda *_: "taken out") == value


@given(st.lists(json_values(), max_size=6), st.lists(json_values(), max_size=6))
def test_any_entries_are_read_as_the_whole_would_be(one: list[Any], other: list[Any]) -> None:
    data = body(a=bundle(*one), b=bundle(*other), c=[bundle(*one), *other])
    assert read(data, Seen()) == read(data, None)


@given(st.data())
def test_a_damaged_body_is_refused_in_the_same_words(data: st.DataObject) -> None:
    whole = body(a=bundle(*goals(4)), b=bundle(*goals(3)))
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.sampled_from([b"", b'"', b"{", b"}", b",", b"]", b"\\", b"0", b"\xff"]))
    damaged = whole[:place] + byte + whole[place + 1 :]
    assert read(damaged, Seen()) == read(damaged, None)


def test_pieces_that_only_seem_to_be_entries_are_read_with_the_rest() -> None:
    between = b',{"fullUrl":'
    for data in (between * 300, b"[0" + between * 300, b"[0" + (between + b"1}") * 3 + b"]"):
        assert read(data, Seen()) == read(data, None)


def test_a_key_that_an_entry_has_twice_is_refused() -> None:
    data = body(a=bundle(*goals(4))).replace(b'"id":"g2"', b'"id":"g2","id":"g3"')
    with pytest.raises(BadRequest, match="the same key twice"):
        parse_json(data, LIMITS, Seen())


def test_resources_and_strings_count_wherever_they_are_read() -> None:
    for number in (48, 49):  # with the two Bundles: 50 and 51
        data = body(a=bundle(*goals(number - 3)), b=bundle(*goals(3)))
        assert read(data, Seen()) == read(data, None)
        assert isinstance(read(data, None), tuple) == (number > 48)
    for length in (1_000, 1_001):
        resources = goals(4)
        resources[2]["text"] = "x" * length
        data = body(a=bundle(*resources))
        assert read(data, Seen()) == read(data, None)
        assert isinstance(read(data, None), tuple) == (length > 1_000)
