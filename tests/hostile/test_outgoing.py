"""What makes the service ask where it must not, or believe what it must not. Real HTTP."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from tests.conftest import ROOT, Start
from tests.fhir import servers
from tests.fhir.servers import FakeFhir, Handler, serving
from tests.hostile.conftest import PUBLIC, SERVICE, Guarded
from tests.strategies import chart, loading, patient, pht, prescription, resource
from tests.trust.signing import Ehr

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("afterwards")]

TOKEN = "a-token-for-the-hospital-alone"
OVERDUE = ["surgical-referral-overdue"]
UNJUDGED = "org.pht-cds.unjudged"
DISPATCH = "/cds-services/pht-order-dispatch"


@pytest.fixture(autouse=True)
def fresh(guarded: Guarded) -> Iterator[None]:
    """Two FHIR servers: the one of the client that calls, and another client's."""
    for one in (guarded.hospital, guarded.clinic):
        one.record = {
            "Patient": [patient()],
            "Condition": [pht()],
            "Procedure": [loading(since=200)],
        }
        one.answers.clear()
        one.asked.clear()
    yield
    guarded.hospital.answers.clear()


def lacking(guarded: Guarded, *keys: str, **changed: Any) -> dict[str, Any]:
    """A call without these prefetch keys, which the hospital would be asked for."""
    whole = chart(pht(), loading(since=200))
    return {
        "hook": "patient-view",
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "p1", "userId": "Practitioner/1"},
        "fhirServer": guarded.hospital.url,
        "fhirAuthorization": {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "cds",
        },
        "prefetch": {key: value for key, value in whole.items() if key not in keys},
    } | changed


def asked(guarded: Guarded, body: dict[str, Any], ehr: Ehr | None = None) -> requests.Response:
    token = (ehr or guarded.north).token(PUBLIC + SERVICE, tenant="a")
    return guarded.post(token, SERVICE + "?explain=true", json=body)


def rules(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [card["source"]["topic"]["code"] for card in answer.json()["cards"]]


def is_unjudged(answer: requests.Response, why: str) -> None:
    """The rest is judged; what was not obtained is said, with the reason."""
    assert rules(answer) == []
    assert OVERDUE[0] in json.dumps(answer.json()["extension"][UNJUDGED])
    assert why in answer.text
    assert TOKEN not in answer.text


def test_a_registered_server_is_asked(guarded: Guarded) -> None:
    """So that the refusals below are refusals."""
    assert rules(asked(guarded, lacking(guarded, "procedures"))) == OVERDUE
    assert len(guarded.hospital.asked) == 1


# --- which server ---

DISGUISES = {
    "decimal": "http://2130706433:{port}/fhir",
    "octal": "http://0177.0.0.1:{port}/fhir",
    "octal in one": "http://017700000001:{port}/fhir",
    "hexadecimal": "http://0x7f.0.0.1:{port}/fhir",
    "hexadecimal in one": "http://0x7f000001:{port}/fhir",
    "short": "http://127.1:{port}/fhir",
    "zero": "http://0:{port}/fhir",
    "another loopback": "http://127.0.0.2:{port}/fhir",
    "IPv6 loopback": "http://[::1]:{port}/fhir",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/fhir",
    "mapped in hexadecimal": "http://[::ffff:7f00:1]:{port}/fhir",
    "compatible": "http://[::127.0.0.1]:{port}/fhir",
    "NAT64": "http://[64:ff9b::7f00:1]:{port}/fhir",
    "6to4": "http://[2002:7f00:1::]:{port}/fhir",
    "with a zone": "http://[::1%25lo]:{port}/fhir",
    "full-width digits": "http://\uff11\uff12\uff17.0.0.1:{port}/fhir",
    "circled digits": "http://\u2460\u2461\u2466.0.0.1:{port}/fhir",
    "ideographic stops": "http://127\u30020\u30020\u30021:{port}/fhir",
    "trailing dot": "http://127.0.0.1.:{port}/fhir",
    "a name for it": "http://localhost:{port}/fhir",
    "a name that resolves to it": "http://127.0.0.1.nip.io:{port}/fhir",
    "user": "http://user@127.0.0.1:{port}/fhir",
    "the server as user": "http://127.0.0.1:{port}@evil.example/fhir",
    "backslash": "http://127.0.0.1:{port}\\@evil.example/fhir",
    "fragment": "http://evil.example#@127.0.0.1:{port}/fhir",
    "query": "http://127.0.0.1:{port}/fhir?x=1",
    "another path": "http://127.0.0.1:{port}/admin",
    "upwards": "http://127.0.0.1:{port}/x/../admin",
    "upwards, encoded": "http://127.0.0.1:{port}/fhir/%2e%2e/admin",
    "upwards, with a parameter": "http://127.0.0.1:{port}/fhir/..;/admin",
    "upwards, encoded twice": "http://127.0.0.1:{port}/fhir/%252e%252e/admin",
    "above": "http://127.0.0.1:{port}/",
    "other case": "http://127.0.0.1:{port}/FHIR",
    "other scheme": "https://127.0.0.1:{port}/fhir",
    "line break": "http://127.0.0.1:{port}/fhir\r\nHost: evil.example",
    "blank": " http://127.0.0.1:{port}/fhir",
    "no scheme": "//127.0.0.1:{port}/fhir",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_x",
    "metadata": "http://169.254.169.254/latest/meta-data",
    "metadata by name": "http://metadata.google.internal/computeMetadata/v1",
    "another port": "http://127.0.0.1:22/fhir",
    "Unix socket": "http+unix://%2Fvar%2Frun%2Fdocker.sock/fhir",
}


@pytest.mark.parametrize("form", DISGUISES.values(), ids=DISGUISES)
def test_attack_a_fhir_server_that_is_not_registered(guarded: Guarded, form: str) -> None:
    """However it is written: what is not exactly a registered base URL is not asked."""
    url = form.format(port=guarded.hospital.port)
    is_unjudged(
        asked(guarded, lacking(guarded, "procedures", fhirServer=url)),
        "fhirServer is not one that this service may ask",
    )
    assert guarded.hospital.asked == []


def test_attack_the_fhir_server_of_another_client(guarded: Guarded) -> None:
    body = lacking(guarded, "procedures", fhirServer=guarded.clinic.url)
    is_unjudged(asked(guarded, body), "fhirServer is not one that this service may ask")
    assert guarded.clinic.asked == []
    assert rules(asked(guarded, body, guarded.west)) == OVERDUE


@pytest.mark.parametrize("value", [1, True, [], {"url": "x"}, ["http://127.0.0.1"], ""])
def test_attack_a_fhir_server_that_is_no_address(guarded: Guarded, value: Any) -> None:
    answer = asked(guarded, lacking(guarded, "procedures", fhirServer=value))
    assert answer.status_code == 400
    assert guarded.hospital.asked == []


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeFhir, Path]]:
    """A FHIR server over TLS with a name of its own; each connection serves once."""
    folder = tmp_path_factory.mktemp("named")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("rebound.example").configure_cert(context)
    with serving(FakeFhir({"Procedure": [loading(since=200)]}), context) as fake:
        found = {"resourceType": "Bundle", "entry": [{"resource": loading(since=200)}]}
        fake.answers["Procedure"] = lambda handler: handler.send(found, Connection="close")
        yield fake, folder


INSIDE = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b:1::a9fe:a9fe", "0.0.0.0"]


@pytest.mark.parametrize("inside", INSIDE)
def test_attack_a_name_that_turns_inside_between_two_calls(
    start: Start, named: tuple[FakeFhir, Path], inside: str
) -> None:
    """The address looked up is the one checked and the one connected to."""
    fake, folder = named
    running = start(
        "serve",
        module="tests.hostile.rebound_server",
        PYTHONPATH=str(ROOT),
        REBOUND_NAME="rebound.example",
        REBOUND_TO=f"127.0.0.1,{inside}",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_WORKERS="1",
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_CA_FILE=str(folder / "ca.pem"),
        CDS_SERVICE_FETCH_DEADLINE="20",
        CDS_SERVICE_FHIR_SERVERS=f"https://rebound.example:{fake.port}/fhir",
        CDS_SERVICE_FHIR_PRIVATE=f"https://rebound.example:{fake.port}/fhir",
    )
    whole = chart(pht(), loading(since=200))
    body = {
        "hook": "patient-view",
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "p1", "userId": "Practitioner/1"},
        "fhirServer": f"https://rebound.example:{fake.port}/fhir",
        "prefetch": {key: value for key, value in whole.items() if key != "procedures"},
    }
    url = f"{running.url}{SERVICE}?explain=true"
    assert rules(requests.post(url, json=body, timeout=60)) == OVERDUE
    is_unjudged(
        requests.post(url, json=body, timeout=60), "address is not one this service may call"
    )
    running.stop()
    told = [line for line in running.log.read_text().splitlines() if line.startswith("CONNECT")]
    assert told == ["CONNECT 127.0.0.1"]


# --- where it leads from there ---


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_attack_a_redirect_elsewhere(guarded: Guarded, code: int) -> None:
    to = f"{guarded.clinic.url}/Procedure?patient=p1"
    guarded.hospital.answers["Procedure"] = servers.status(code, Location=to)
    is_unjudged(asked(guarded, lacking(guarded, "procedures")), f"a redirect ({code})")
    assert guarded.clinic.asked == []


def test_attack_a_chain_of_redirects(guarded: Guarded) -> None:
    """Not even below its own base: the first is the last."""
    here = f"{guarded.hospital.url}/Procedure?again"
    guarded.hospital.answers["Procedure"] = servers.status(307, Location=here)
    is_unjudged(asked(guarded, lacking(guarded, "procedures")), "a redirect (307)")
    assert len(guarded.hospital.asked) == 1


@pytest.mark.parametrize(
    "where",
    [
        *("{clinic}/Procedure?p=2", "//127.0.0.1:{port}/fhir/Procedure", "/admin", "../admin"),
        *("http://169.254.169.254/latest", "file:///etc/passwd", "%2e%2e/admin", "..\\admin"),
        *("..;/admin", "%252e%252e/admin"),
        *("http://user@127.0.0.1:{own}/fhir/Procedure", "http://127.0.0.1:{own}/fhirx", "\r\nX: y"),
    ],
)
def test_attack_a_next_page_elsewhere(guarded: Guarded, where: str) -> None:
    ports = {"port": guarded.clinic.port, "own": guarded.hospital.port}
    url = where.format(clinic=guarded.clinic.url, **ports)
    guarded.hospital.answers["Procedure"] = servers.next_at(url)
    is_unjudged(asked(guarded, lacking(guarded, "procedures")), "leads away")
    assert guarded.clinic.asked == []
    assert len(guarded.hospital.asked) == 1


def test_attack_a_next_page_elsewhere_in_what_the_client_sent(guarded: Guarded) -> None:
    link = [{"relation": "next", "url": f"{guarded.clinic.url}/Procedure?p=2"}]
    body = lacking(guarded, "procedures")
    body["prefetch"]["procedures"] = {"resourceType": "Bundle", "type": "searchset", "link": link}
    is_unjudged(asked(guarded, body), "leads away")
    assert guarded.clinic.asked == []


@pytest.mark.parametrize(
    "reference",
    [
        *("{clinic}/ServiceRequest/s9", "http://169.254.169.254/ServiceRequest/s9", "urn:uuid:x"),
        *("../ServiceRequest/s9", "ServiceRequest/../../admin", "ServiceRequest/s9?x", "file:///x"),
    ],
)
def test_attack_an_order_named_at_another_host(guarded: Guarded, reference: str) -> None:
    named_at = reference.format(clinic=guarded.clinic.url)
    body = lacking(guarded, hook="order-dispatch")
    body["context"] = {
        "patientId": "p1",
        "dispatchedOrders": [named_at],
        "performer": "Organization/o",
    }
    token = guarded.north.token(PUBLIC + DISPATCH, tenant="a")
    answer = guarded.post(token, DISPATCH, json=body)
    assert answer.status_code in (400, 412), answer.text
    assert guarded.clinic.asked == guarded.hospital.asked == []


@pytest.mark.parametrize(
    "reference",
    ["{clinic}/Medication/m", "../admin", "Medication/../../admin", "http://x@y/Medication/m"],
)
def test_attack_a_medication_named_at_another_host(guarded: Guarded, reference: str) -> None:
    drug = prescription("m1", None, medicationCodeableConcept=None)
    drug["medicationReference"] = {"reference": reference.format(clinic=guarded.clinic.url)}
    guarded.hospital.record["MedicationRequest"] = [drug]
    assert asked(guarded, lacking(guarded, "medicationRequests")).status_code == 200
    assert guarded.clinic.asked == []
    assert all(path.startswith("/fhir/MedicationRequest") for path in guarded.hospital.paths())


# --- what it answers ---


def packed(handler: Handler) -> None:
    """A small body that would unpack into a very large one."""
    data = gzip.compress(b" " * 20_000_000)
    handler.send_response(200)
    for name, value in (
        ("Content-Type", "application/fhir+json"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", str(len(data))),
    ):
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def written(data: bytes) -> servers.Answer:
    def answer(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"


def fhir(body: bytes) -> servers.Answer:
    return written(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


ANSWERS = {
    "packed": (packed, "not plain FHIR JSON"),
    "dripping": (servers.drip_body, "took too long"),
    "dripping head": (servers.drip_head, "took too long"),
    "silent": (servers.stall, "took too long"),
    "huge": (servers.huge, "more than 200000 bytes"),
    "endless pages": (servers.endless, "more than 3 pages"),
    "nested": (fhir(b'{"resourceType":"Bundle","x":' + b"[" * 90_000), "not plain FHIR JSON"),
    "nested and closed": (
        fhir(b'{"resourceType":"Bundle","x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        "not plain FHIR JSON",
    ),
    "not a number": (fhir(b'{"resourceType":"Bundle","x":NaN}'), "not plain FHIR JSON"),
    "not UTF-8": (fhir(b'{"resourceType":"Bundle","x":"\xff"}'), "not plain FHIR JSON"),
    "HTML": (servers.html, "not plain FHIR JSON"),
    "an error for data": (servers.outcome, "OperationOutcome instead of data"),
    "another type": (lambda handler: handler.send(patient()), "is no Bundle"),
    "no object": (fhir(b"[]"), "no FHIR resource"),
    "no HTTP": (written(b"SSH-2.0-OpenSSH_9\r\n"), "FHIR server"),
    "many headers": (written(HEAD + b"X: y\r\n" * 5000 + b"\r\n{}"), "FHIR server"),
    "a long header": (written(HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n{}"), "FHIR server"),
    "chunks without end": (
        written(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"ffffffff\r\n[" * 2),
        "FHIR server",
    ),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_attack_an_answer_that_is_none(guarded: Guarded, how: str) -> None:
    guarded.hospital.answers["Procedure"], why = ANSWERS[how]
    is_unjudged(asked(guarded, lacking(guarded, "procedures")), why)


def test_attack_answers_with_the_record_of_another_patient(guarded: Guarded) -> None:
    other = loading(since=200, subject={"reference": "Patient/somebody-else"})
    guarded.hospital.record["Procedure"] = [other]
    answer = asked(guarded, lacking(guarded, "procedures"))
    assert answer.status_code == 412
    assert "somebody-else" not in answer.text


def test_attack_answers_with_another_patient(guarded: Guarded) -> None:
    guarded.hospital.answers["Patient/p1"] = lambda h: h.send(resource("Patient", "other"))
    assert asked(guarded, lacking(guarded, "patient")).status_code == 412


def test_attack_more_resources_in_pages_than_a_body_may_hold(guarded: Guarded) -> None:
    """What is fetched has limits of its own, in bytes and pages."""
    many = {
        "resourceType": "Bundle",
        "entry": [{"resource": loading(since=200)} for _ in range(600)],
    }
    guarded.hospital.answers["Procedure"] = lambda handler: handler.send(many)
    is_unjudged(asked(guarded, lacking(guarded, "procedures")), "more than 200000 bytes")


# --- the access token ---


def test_attack_the_token_is_sent_to_nobody_else(guarded: Guarded) -> None:
    """Not after a redirect, not to a next page; and no cookie of the server comes back."""
    link = [{"relation": "next", "url": f"{guarded.clinic.url}/Procedure"}]
    page = {"resourceType": "Bundle", "link": link}
    guarded.hospital.answers["Procedure"] = lambda h: h.send(page, Set_Cookie="SESSION=1; Path=/")
    asked(guarded, lacking(guarded, "procedures"))
    asked(guarded, lacking(guarded, "procedures"))
    assert [headers["Authorization"] for *_, headers in guarded.hospital.asked] == [
        f"Bearer {TOKEN}"
    ] * 2
    assert all("Cookie" not in headers for *_, headers in guarded.hospital.asked)
    assert guarded.clinic.asked == []
    assert TOKEN not in guarded.log()


@pytest.mark.parametrize(
    "token", ["x\r\nX-Evil: 1", "x y", "", "\u20ac", "x\n", "\x00", None, 7, ["x"]]
)
def test_attack_headers_in_the_token(guarded: Guarded, token: Any) -> None:
    body = lacking(guarded, "procedures")
    body["fhirAuthorization"]["access_token"] = token
    answer = asked(guarded, body)
    assert answer.status_code == 400
    assert guarded.hospital.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "patient/Condition.rs"},
        {"scope": "patient/Procedure.c launch openid"},
        {"scope": "patient/Procedure.rs" + "\u200b"},
        {"expires_in": 0},
        {"expires_in": -1e9},
    ],
    ids=str,
)
def test_attack_more_is_asked_than_the_token_grants(guarded: Guarded, change: Any) -> None:
    body = lacking(guarded, "procedures")
    body["fhirAuthorization"] |= change
    is_unjudged(asked(guarded, body), "token")
    assert guarded.hospital.asked == []


def test_attack_a_token_for_another_patient(guarded: Guarded) -> None:
    body = lacking(guarded, "procedures")
    body["fhirAuthorization"]["patient"] = "somebody-else"
    answer = asked(guarded, body)
    assert answer.status_code == 400
    assert "somebody-else" not in answer.text
    assert guarded.hospital.asked == []


@pytest.mark.parametrize(
    "key", ["../x", "Patient/{{context.userId}}", "conditions\u0000", "x" * 5000]
)
def test_attack_prefetch_keys_that_were_never_offered(guarded: Guarded, key: str) -> None:
    """What is fetched is what the service's own templates say."""
    body = lacking(guarded)
    body["prefetch"][key] = None
    assert rules(asked(guarded, body)) == OVERDUE
    assert guarded.hospital.asked == []
