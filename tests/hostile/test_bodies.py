"""Bodies made to be misread, to take too much, or to break what reads them. Real HTTP."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
import requests

from tests.hostile.conftest import Guarded, call, is_refused
from tests.orders import ibuprofen

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("afterwards")]

ORDER = "/cds-services/pht-order-sign"
TEXTS = {  # characters that mean something to some reader
    "right to left": "\u202eevil\u202c",
    "zero width": "ham\u200bstring\u200d",
    "NUL": "a\x00b",
    "controls": "\x1b[31m\x07\x08",
    "separators": "a\u2028b\u2029c\x85",
    "not a character": "\uffff\ufdd0",
    "astral": "\U0001f9b5" * 10,
    "combining": "e" + "\u0301" * 500,
    "case that grows": "\u0130\ufb03\u1e9e",
}
MOMENTS = [
    *("0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "-2026-01-01", "2026-02-30"),
    *("2026-13", "2026-6-1", "20260615", "2026-06-15T24:00:00Z", "2026-06-15T23:59:60Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-06-15T10:00:00+99:99"),
    *("2026-06-15T", "T10:00", "\u0662\u0660\u0662\u0666-06-15", "2026-06-15\n", "now", "1e9"),
]
NUMBERS = ["1e308", "-1e308", "1e-400", "123456789012345678901234567890", "-0", "0.1e1", "9" * 400]


def said(guarded: Guarded, body: dict[str, Any]) -> requests.Response:
    """Answered 200, or refused as an OperationOutcome: nothing else."""
    answer = guarded.as_north(json=body)
    if answer.status_code != 200:
        assert answer.status_code in (400, 412, 413), answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"
    return answer


def texts(value: Any, put: Any) -> Any:
    """The same with every text, display and other free words replaced."""
    if isinstance(value, dict):
        words = ("text", "display", "family", "valueString", "note", "title", "description")
        return {
            k: put if k in words and isinstance(v, str) else texts(v, put) for k, v in value.items()
        }
    return [texts(one, put) for one in value] if isinstance(value, list) else value


def dates(value: Any, put: str) -> Any:
    if isinstance(value, dict):
        return {k: dates(v, put) for k, v in value.items()}
    if isinstance(value, list):
        return [dates(one, put) for one in value]
    return put if isinstance(value, str) and value[:2] == "20" and value[4:5] == "-" else value


def worded(text: str) -> dict[str, Any]:
    """A call in which one diagnosis, its site and one treatment are worded like this."""
    body = call()
    for key in ("conditions", "procedures"):
        resource = body["prefetch"][key]["entry"][0]["resource"]
        resource["code"]["text"] = text
        resource["bodySite"] = [{"text": text}]
    return body


def order(**changed: Any) -> dict[str, Any]:
    """A call of order-sign about 1000 mg of ibuprofen."""
    body = call() | {"hook": "order-sign"}
    draft = ibuprofen(1000) | {"subject": {"reference": f"Patient/{body['context']['patientId']}"}}
    body["context"]["draftOrders"] = entries(draft | changed)
    return body


def entries(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in resources],
    }


# --- too much ---


def test_attack_a_huge_body(guarded: Guarded) -> None:
    is_refused(guarded.send_bytes(b" " * 10_000_001), 413, "too-long", "10000000 bytes")


def test_attack_bodies_that_go_on_after_their_refusal(guarded: Guarded) -> None:
    """Each sender gets the answer at once, and none is left to wait for the close."""
    for _ in range(20):
        assert guarded.send_bytes(b"x" * 12_000_000).status_code == 413


def test_attack_a_huge_body_in_chunks(guarded: Guarded) -> None:
    chunks: Any = (b" " * 1_000_000 for _ in range(11))
    is_refused(guarded.send_bytes(chunks), 413, "too-long")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"prefetch":{"x":['])
def test_attack_nesting_without_end(guarded: Guarded, opening: bytes) -> None:
    is_refused(guarded.send_bytes(opening * 200_000), 400, "invalid")


def test_attack_nesting_that_closes(guarded: Guarded) -> None:
    is_refused(guarded.send_bytes(b"[" * 100_000 + b"]" * 100_000), 400, "invalid")


def test_attack_more_resources_than_are_read(guarded: Guarded) -> None:
    body = call()
    body["prefetch"]["goals"] = entries(*({"resourceType": "Goal"} for _ in range(10_001)))
    is_refused(guarded.as_north(json=body), 413, "too-long", "10000 resources")


def test_attack_as_many_relevant_resources_as_are_read(guarded: Guarded) -> None:
    """Each is a diagnosis that the rules look at: the work stays in proportion."""
    body = call()
    diagnosis = body["prefetch"]["conditions"]["entry"][0]["resource"]
    many = [diagnosis | {"id": f"x{n}"} for n in range(3000)]
    body["prefetch"]["conditions"] = entries(diagnosis, *many)
    assert said(guarded, body).status_code == 200


def test_attack_a_string_too_long(guarded: Guarded) -> None:
    is_refused(guarded.as_north(json=worded("a" * 1_048_577)), 413, "too-long", "1048576 bytes")


@pytest.mark.parametrize(
    "piece", ["a", " ", "hamstring ", "tendin", "1.", "ml/min/", "de quervain"]
)
def test_attack_long_texts_against_what_searches_them(guarded: Guarded, piece: str) -> None:
    """No pattern looks at a long text in more than proportion to its length."""
    long = piece * (400_000 // len(piece))
    assert said(guarded, worded(long)).status_code == 200


def test_attack_keys_in_great_number(guarded: Guarded) -> None:
    """Python's hashes are salted: nobody can choose keys that collide."""
    body = call()
    body["prefetch"]["patient"] |= {f"k{n}": n for n in range(300_000)}
    assert said(guarded, body).status_code == 200


def test_attack_a_code_with_very_many_codings(guarded: Guarded) -> None:
    body = call()
    code = body["prefetch"]["conditions"]["entry"][0]["resource"]["code"]
    code["coding"] += [{"system": "http://snomed.info/sct", "code": str(n)} for n in range(50_000)]
    assert said(guarded, body).status_code == 200


def test_attack_references_in_a_circle(guarded: Guarded) -> None:
    body = call()
    act = body["prefetch"]["procedures"]["entry"][0]["resource"]
    circle = [
        act | {"id": f"x{n}", "partOf": [{"reference": f"Procedure/x{(n + 1) % 500}"}]}
        for n in range(500)
    ]
    body["prefetch"]["procedures"] = entries(*circle)
    assert said(guarded, body).status_code == 200


def test_attack_bundles_within_bundles(guarded: Guarded) -> None:
    body = call()
    nested = body["prefetch"]["conditions"]
    for _ in range(40):
        nested = entries(nested)
    body["prefetch"]["conditions"] = nested
    said(guarded, body)


# --- read in two ways ---


@pytest.mark.parametrize(
    "change",
    [
        ('"hook"', '"hook": "order-sign", "hook"'),
        ('"patientId"', '"patientId": "other", "patientId"'),
        ('"patientId"', '"patientI\\u0064": "other", "patientId"'),
        ('"birthDate"', '"birthDate": "1900-01-01", "birthDate"'),
    ],
    ids=["hook", "patient", "escaped", "within a resource"],
)
def test_attack_the_same_key_twice(guarded: Guarded, change: tuple[str, str]) -> None:
    data = json.dumps(call()).replace(*change, 1)
    is_refused(guarded.send_bytes(data.encode()), 400, "invalid", "same key twice")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "0x10", "01", "1.", "+1", "1e"])
def test_attack_numbers_that_json_does_not_have(guarded: Guarded, value: str) -> None:
    data = json.dumps(call())[:-1] + f', "extension": {value}}}'
    is_refused(guarded.send_bytes(data.encode()), 400, "invalid")


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(call()).encode() + b"{}",
        json.dumps(call()).encode()[:-1],
        json.dumps(call()).encode()[:-1] + b",}",
        b"/* */" + json.dumps(call()).encode(),
        json.dumps(call()).replace('"', "'").encode(),
        b"",
        b"\x00",
    ],
    ids=["two", "cut off", "comma", "comment", "quotes", "empty", "NUL"],
)
def test_attack_what_only_some_readers_take_for_json(guarded: Guarded, data: bytes) -> None:
    answer = guarded.send_bytes(data)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "data",
    [b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf5\x80\x80\x80"}'],
    ids=["stray byte", "overlong", "surrogate", "beyond"],
)
def test_attack_bytes_that_are_no_utf_8(guarded: Guarded, data: bytes) -> None:
    is_refused(guarded.send_bytes(data), 400, "invalid", "UTF-8")


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "utf-7"])
def test_attack_another_coding_of_characters(guarded: Guarded, coding: str) -> None:
    data = json.dumps(call()).encode(coding)
    is_refused(
        guarded.send_bytes(data, f"application/json; charset={coding}"), 415, "not-supported"
    )
    if coding != "utf-7":
        assert guarded.send_bytes(data).status_code == 400


@pytest.mark.parametrize("lone", ["\\ud800", "\\udfff", "\\ud800\\u0061"])
def test_attack_half_a_surrogate_pair(guarded: Guarded, lone: str) -> None:
    data = json.dumps(texts(call(), "LONE")).replace("LONE", lone)
    is_refused(guarded.send_bytes(data.encode()), 400, "invalid")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_attack_characters_that_mislead(guarded: Guarded, text: str) -> None:
    """They reach no word of a card."""
    answer = said(guarded, texts(call(), text))
    assert answer.status_code == 200
    assert text not in answer.text


@pytest.mark.parametrize("root", ["null", "1", '"hook"', "[]", "[{}]", "true"])
def test_attack_a_body_that_is_no_object(guarded: Guarded, root: str) -> None:
    answer = guarded.send_bytes(root.encode())
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "key", ["__proto__", "constructor", "__class__", "$ref", "", "a.b", "\x00"]
)
def test_attack_keys_that_mean_something_elsewhere(guarded: Guarded, key: str) -> None:
    body = call() | {key: {"polluted": True}}
    body["context"] |= {key: {"polluted": True}}
    body["prefetch"]["patient"] |= {key: {"polluted": True}}
    assert "polluted" not in said(guarded, body).text


# --- values at the end of their range ---


@pytest.mark.parametrize("moment", MOMENTS)
def test_attack_dates_that_are_none(guarded: Guarded, moment: str) -> None:
    said(guarded, dates(call(), moment))


@pytest.mark.parametrize("number", NUMBERS)
def test_attack_numbers_beyond_measure(guarded: Guarded, number: str) -> None:
    body = call()
    for entry in body["prefetch"]["observations"]["entry"]:
        entry["resource"] |= {"valueQuantity": {"value": "NUMBER", "unit": "points"}}
    answer = guarded.send_bytes(json.dumps(body).replace('"NUMBER"', number).encode())
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize("number", [*NUMBERS, "0", "-1"])
def test_attack_doses_beyond_measure(guarded: Guarded, number: str) -> None:
    dose = {
        "timing": {"repeat": {"frequency": "N", "period": "N", "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": "N", "unit": "mg"}}],
    }
    data = json.dumps(order(dosageInstruction=[dose])).replace('"N"', number).encode()
    answer = guarded.send_bytes(data, path=ORDER)
    assert answer.status_code in (200, 400), answer.text


# --- dressed up ---


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip"])
def test_attack_a_compressed_body(guarded: Guarded, coding: str) -> None:
    """However small, it could unpack into anything."""
    bomb = gzip.compress(b" " * 50_000_000) if "gzip" in coding else zlib.compress(b" " * 1_000_000)
    is_refused(guarded.send_bytes(bomb, Content_Encoding=coding), 415, "not-supported")


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("text/json", "application/xml", "application/json, text/plain", "", "*/*"),
    ],
)
def test_attack_another_media_type(guarded: Guarded, kind: str) -> None:
    """Those that a web page may send without asking first are among them."""
    is_refused(guarded.send_bytes(json.dumps(call()).encode(), kind), 415, "not-supported")


# --- another patient ---


@pytest.mark.parametrize(
    ("key", "element"),
    [
        *(("conditions", "subject"), ("procedures", "subject"), ("observations", "subject")),
        *(("serviceRequests", "subject"), ("medicationRequests", "subject")),
    ],
)
def test_attack_a_record_of_another_patient(guarded: Guarded, key: str, element: str) -> None:
    body = call()
    body["prefetch"][key]["entry"][0]["resource"][element] = {"reference": "Patient/somebody-else"}
    answer = guarded.as_north(json=body)
    assert answer.status_code == 412
    assert "somebody-else" not in answer.text


def test_attack_the_patient_resource_of_another(guarded: Guarded) -> None:
    body = call()
    body["prefetch"]["patient"]["id"] = "somebody-else"
    answer = guarded.as_north(json=body)
    assert answer.status_code == 412
    assert "somebody-else" not in answer.text


def test_attack_a_draft_order_for_another_patient(guarded: Guarded) -> None:
    body = order(subject={"reference": "Patient/somebody-else"})
    answer = guarded.as_north(ORDER, json=body)
    assert answer.status_code == 412
    assert "somebody-else" not in answer.text


@pytest.mark.parametrize(
    "identity",
    ["a&patient=b", "../Patient/b", "a?x", "a b", "Patient/a", "a\n", "\u0430", "x" * 65, "", "*"],
)
def test_attack_a_patient_id_that_is_none(guarded: Guarded, identity: str) -> None:
    """It would become part of an address at the FHIR server."""
    body = call()
    body["context"]["patientId"] = identity
    assert guarded.as_north(json=body).status_code == 400
