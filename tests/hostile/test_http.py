"""HTTP that two readers would read differently, and heads that pretend. Raw bytes, gunicorn."""

from __future__ import annotations

import json
import re

import pytest
import requests

from tests.hostile.conftest import PUBLIC, SERVICE, Guarded, Refused, call

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("afterwards")]

CLOSE = b"Connection: close\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n" + CLOSE
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def posted(guarded: Guarded, rest: bytes, version: bytes = b"1.1") -> bytes:
    """The head of a call with a sound token, and `rest`; the answer."""
    head = f"POST {SERVICE} HTTP/".encode() + version + b"\r\nHost: x\r\n" + CLOSE
    token = f"Authorization: Bearer {guarded.bearer()}\r\n".encode()
    return guarded.raw(head + token + b"Content-Type: application/json\r\n" + rest)


def is_unreadable(answer: bytes) -> None:
    """400 with an OperationOutcome, once, and the connection is closed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), head
    assert answer.count(b"HTTP/1.") == 1
    assert re.search(rb"(?i)connection: close", head)
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# --- where a body ends ---


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST,
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + LAST,
    ],
    ids=["length first", "chunked first"],
)
def test_attack_a_length_and_chunks(guarded: Guarded, rest: bytes) -> None:
    is_unreadable(posted(guarded, rest))


@pytest.mark.parametrize("second", ["2", "3", "2, 2"])
def test_attack_two_lengths(guarded: Guarded, second: str) -> None:
    rest = f"Content-Length: 2\r\nContent-Length: {second}\r\n\r\n{{}}"
    is_unreadable(posted(guarded, rest.encode()))


@pytest.mark.parametrize("length", ["+2", "-2", "0x2", " 2 2", "2,2", "\u0662", "2.0", "", "1e1"])
def test_attack_a_length_that_is_no_number(guarded: Guarded, length: str) -> None:
    is_unreadable(posted(guarded, f"Content-Length: {length}\r\n\r\n{{}}".encode()))


@pytest.mark.parametrize(
    "header",
    [
        *("Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity"),
        *("Transfer-Encoding : chunked", "Transfer-Encoding: \x0bchunked"),
        *("Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked"),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
    ],
)
def test_attack_chunks_in_disguise(guarded: Guarded, header: str) -> None:
    is_unreadable(posted(guarded, f"{header}\r\n\r\n2\r\n{{}}\r\n".encode() + LAST))


def test_attack_chunks_for_a_reader_of_http_1_0(guarded: Guarded) -> None:
    is_unreadable(posted(guarded, CHUNKED + b"2\r\n{}\r\n" + LAST, b"1.0"))


@pytest.mark.parametrize(
    "chunk",
    [
        *(b"-2\r\n{}\r\n", b"0x2\r\n{}\r\n", b"2 \r\n{}\r\n", b"+2\r\n{}\r\n", b"2_0\r\n{}\r\n"),
        *(b"ZZ\r\n{}\r\n", b"2\r\n{}XX", b"2;a=" + b"b" * 100_000 + b"\r\n{}\r\n", b"\r\n{}\r\n"),
        b"0" * 200_000 + b"2\r\n{}\r\n",
    ],
    ids=lambda chunk: repr(chunk[:12]),
)
def test_attack_a_chunk_of_no_size(guarded: Guarded, chunk: bytes) -> None:
    is_unreadable(posted(guarded, CHUNKED + chunk + LAST))


def test_attack_a_chunk_that_never_comes(guarded: Guarded) -> None:
    assert status(posted(guarded, CHUNKED + b"FFFFFFFFFFFF\r\n{}")) == 408


def test_attack_a_second_request_in_the_body_of_the_first(guarded: Guarded) -> None:
    """It is part of the body, or it needs a token of its own."""
    smuggled = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    rest = f"Content-Length: {len(smuggled)}\r\n\r\n".encode() + smuggled
    assert posted(guarded, rest).count(b"HTTP/1.1 ") == 1
    first = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    first += f"Authorization: Bearer {guarded.bearer()}\r\nContent-Length: 2\r\n\r\n{{}}"
    second = smuggled.replace(b"Host: x\r\n", b"Host: x\r\n" + CLOSE)
    answers = guarded.raw(first.encode() + second)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"400", b"401"]


def test_attack_a_token_after_the_body(guarded: Guarded) -> None:
    """A trailer is no header."""
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\n".encode() + CLOSE
    trailer = f"Authorization: Bearer {guarded.bearer()}\r\n\r\n".encode()
    answer = guarded.raw(head + CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer)
    assert status(answer) == 401


# --- heads ---


@pytest.mark.parametrize(
    "lines",
    [
        *(b"X-A: b\r\n c\r\n\r\n", b"X-A: b\rX-B: c\r\n\r\n", b"X-A: b\x00c\r\n\r\n"),
        *(b"X\x00A: b\r\n\r\n", b": b\r\n\r\n", b"no colon\r\n\r\n", b"X A: b\r\n\r\n"),
        *(b"X: " + b"a" * 9000 + b"\r\n\r\n", b"X-Y: 1\r\n" * 200 + b"\r\n"),
    ],
    ids=lambda lines: repr(lines[:12]),
)
def test_attack_a_head_that_is_not_http(guarded: Guarded, lines: bytes) -> None:
    is_unreadable(guarded.raw(HEALTH + lines))


@pytest.mark.parametrize(
    "request_line",
    [
        *(
            b"GET /health\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET  /health HTTP/1.1\r\n",
        ),
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + HEALTH + b"\r\n",
        *(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", b"GET /health HTTP/1.1\nHost: x\n\n"),
    ],
    ids=lambda line: repr(line[:16]),
)
def test_attack_another_protocol(guarded: Guarded, request_line: bytes) -> None:
    is_unreadable(guarded.raw(request_line + b"\r\n"))


def test_attack_an_upgrade_to_another_protocol(guarded: Guarded) -> None:
    lines = b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    answer = guarded.raw(HEALTH.replace(b"close", b"Upgrade, HTTP2-Settings, close") + lines)
    assert status(answer) == 200
    assert b"\r\nupgrade" not in answer.lower()


def test_attack_two_hosts(guarded: Guarded) -> None:
    is_unreadable(guarded.raw(HEALTH + b"Host: evil.example\r\n\r\n"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:443@x"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Server": "evil.example"},
        {"X-Forwarded-Prefix": "/evil.example", "X-Original-URL": "/evil.example"},
        {"Forwarded": "host=evil.example;proto=http", "X-Rewrite-URL": "/evil.example"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_attack_an_address_of_the_attackers_in_the_links(
    guarded: Guarded, headers: dict[str, str]
) -> None:
    """Only the configured public address makes links."""
    answer = guarded.as_north(headers=headers)
    assert answer.status_code == 200
    assert answer.json()["cards"][0]["source"]["url"] == f"{PUBLIC}/guideline"
    assert "evil.example" not in answer.text + str(answer.headers)


def test_attack_the_address_in_the_request_line(guarded: Guarded) -> None:
    line = b"GET http://evil.example/cds-services HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n"
    answer = guarded.raw(line)
    assert status(answer) == 200
    assert b"evil.example" not in answer


@pytest.mark.parametrize(
    "header",
    [
        *("CONTENT_LENGTH: 2", "Http_Authorization: Bearer x", "REMOTE_USER: north"),
        *("PATH_INFO: /console/what-if", "REMOTE_ADDR: 127.0.0.1", "wsgi.url_scheme: https"),
    ],
)
def test_attack_a_header_that_looks_like_the_servers_own(guarded: Guarded, header: str) -> None:
    """Names with underscores are dropped: they would pass for other headers."""
    answer = guarded.raw(HEALTH + header.encode() + b"\r\n\r\n")
    assert status(answer) == 200
    assert b'"status":"ok"' in answer


def test_attack_a_path_prefix_that_is_not_there(guarded: Guarded) -> None:
    is_unreadable(guarded.raw(HEALTH + b"SCRIPT_NAME: /evil\r\n\r\n"))


def test_attack_two_authorization_headers(guarded: Guarded) -> None:
    token = f"Authorization: Bearer {guarded.bearer()}\r\n"
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{token}".encode() + CLOSE
    assert status(guarded.raw(head + b"Authorization: Bearer x\r\n\r\n{}")) == 401


def test_attack_headers_smuggled_into_the_answer(guarded: Guarded) -> None:
    """Nothing of a request becomes a header of the answer but a request id that is a UUID."""
    for path in (
        "/health%0d%0aX-Evil:%201",
        "/cds-services/x%0aX-Evil: 1",
        "/health?x=%0d%0aX-Evil:1",
    ):
        answer = requests.get(guarded.running.url + path, timeout=20)
        assert "X-Evil" not in answer.headers
    for sent in ("X-Evil: 1", "1" * 300, "%0d%0aX-Evil", "\u00ff", "{}", "0" * 36):
        headers = {"X-Request-Id": sent.encode("latin-1")}
        answer = requests.get(guarded.running.url + "/health", headers=headers, timeout=20)
        assert re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["X-Request-Id"]
        )


def test_attack_lines_smuggled_into_the_log(guarded: Guarded, refused: Refused) -> None:
    """Every line is one JSON object, whatever a client sends; its own words are in none."""
    forged = '{"event": "request", "client": "FORGED"}'
    headers = {"User-Agent": forged, "X-Request-Id": "FORGED", "Referer": "http://FORGED/"}
    requests.get(f"{guarded.running.url}/FORGED%0a{forged}", headers=headers, timeout=20)
    guarded.as_north(json=call() | {"hookInstance": f"x\n{forged}"})
    token = guarded.north.token(PUBLIC + SERVICE, tenant=f"FORGED\n{forged}")
    refused(guarded.post(token), "tenant")
    guarded.raw(f"FORGED {forged} HTTP/1.1\r\n\r\n".encode())
    assert "FORGED" not in guarded.log()
    for line in guarded.log().splitlines():
        assert line.startswith(("{", "WARNING: ")), line


# --- methods and paths ---


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "DEBUG", "PROPFIND", "PUT", "DELETE"])
def test_attack_methods_that_are_not_served(guarded: Guarded, method: str) -> None:
    secret = {"X-Secret": "SECRET", "Authorization": "Bearer SECRET"}
    answer = requests.request(method, guarded.running.url + SERVICE, headers=secret, timeout=20)
    assert answer.status_code in (404, 405)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "SECRET" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "_method"]
)
def test_attack_a_method_that_overrides_the_real_one(guarded: Guarded, header: str) -> None:
    """A GET that claims to be a POST is a GET; a POST that claims to be a GET needs its token."""
    url = guarded.running.url + SERVICE
    assert requests.get(url, headers={header: "POST"}, timeout=20).status_code == 405
    assert requests.post(url, headers={header: "GET"}, json={}, timeout=20).status_code == 401
    assert requests.post(f"{url}?_method=GET", json={}, timeout=20).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/cds-services/pht-patient-view/", "/cds-services//pht-patient-view", f"/{SERVICE}"),
        *("/cds-services/pht-patient-view/feedback/", "/cds-services/pht%2dpatient-view"),
        *("/./cds-services/pht-patient-view", "/x/../cds-services/pht-patient-view"),
        *("/cds-services/pht-patient-view;x", "/cds-services/pht-patient-view%2ffeedback"),
        *(
            "/cds-services/pht-patient-view%00",
            "/cds-services/%70ht-patient-view",
            "/CDS-SERVICES/x",
        ),
        *("/static/../cds-services/pht-patient-view", "/health/..%2fcds-services/pht-patient-view"),
    ],
)
def test_attack_a_path_by_which_the_gate_is_passed(guarded: Guarded, path: str) -> None:
    """However the address of a service is spelt: a token, or nothing there."""
    body = json.dumps(call())
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode() + CLOSE
    answer = guarded.raw(head + b"Content-Type: application/json\r\n\r\n" + body.encode())
    assert status(answer) in (401, 404, 405), answer[:300]
    assert b'"cards"' not in answer


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/static//etc/passwd"),
        *("/static/..%2f..%2f..%2fetc%2fpasswd", "/static/..\\..\\etc\\passwd", "/static/%5c..%5c"),
        *("/static/%252e%252e%252fetc/passwd", "/static/style.css%00.html", "/static/....//x"),
        *("/static/../server.py", "/static/../templates/home.html", "/static/~root/", "/static/"),
    ],
)
def test_attack_files_outside_the_folder_of_static_ones(guarded: Guarded, path: str) -> None:
    answer = guarded.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() + CLOSE + b"\r\n")
    assert status(answer) == 404
    assert b"root:" not in answer


@pytest.mark.parametrize("path", ["/%", "/%zz", "/%ff%fe", "/%00", "/%u002e", "/\u00e9", "/*"])
def test_attack_paths_that_decode_to_nothing(guarded: Guarded, path: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode("latin-1")
    assert status(guarded.raw(line + CLOSE + b"\r\n")) in (400, 404)


def test_attack_very_many_ranges(guarded: Guarded) -> None:
    headers = {"Range": "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(500))}
    answer = requests.get(guarded.running.url + "/static/style.css", headers=headers, timeout=20)
    assert answer.status_code in (200, 416)


def test_attack_parameters_given_twice(guarded: Guarded) -> None:
    """The explanation is a right of the client: asking twice does not gain it."""
    path = f"{SERVICE}?explain=false&explain=true"
    answer = guarded.post(guarded.quiet.token(PUBLIC + SERVICE), path)
    assert answer.status_code == 200
    assert "org.pht-cds.rationale" not in answer.text
