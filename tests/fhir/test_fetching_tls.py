"""Over TLS: the address is pinned, the name stays; the deadline holds in the handshake too."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

from cds_service.fhir.client import Call, FhirClient
from cds_service.fhir.policy import Policy
from cds_service.fhir.transport import Failure
from tests.fhir.servers import FakeFhir, serving
from tests.strategies import patient

pytestmark = pytest.mark.slow
NAME = "ehr.example"


def here(_host: str, port: int, **_: Any) -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


def read(port: int, ca: Path, seconds: float = 30.0) -> Any:
    base = f"https://{NAME}:{port}/fhir"
    only = frozenset({base})
    client = FhirClient(Policy(servers=only, private=only, ca=ca), resolve=here)
    call = Call(client, base, "token", seconds)
    try:
        pages = lambda: list(call.pages("Patient/p1", "Patient"))  # noqa: E731
        return call.result(call.start(pages))
    finally:
        call.close()
        client.close()


def fake_for(authority: trustme.CA, name: str) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return serving(FakeFhir({"Patient": [patient()]}), context)


def test_a_server_is_known_by_its_name_and_not_by_its_address(authority: Any) -> None:
    made, file = authority
    with fake_for(made, NAME) as fake:
        assert read(fake.port, file) == [patient()]
        [(_, _, headers)] = fake.asked
    assert headers["Host"] == f"{NAME}:{fake.port}"


def test_a_certificate_for_another_name_is_refused(authority: Any) -> None:
    made, file = authority
    with fake_for(made, "other.example") as fake, pytest.raises(Failure) as refused:
        read(fake.port, file)
    assert refused.value.outcome == "tls"
    assert fake.asked == []


def test_a_certificate_of_an_unknown_authority_is_refused(authority: Any) -> None:
    with fake_for(trustme.CA(), NAME) as fake, pytest.raises(Failure) as refused:
        read(fake.port, authority[1])
    assert refused.value.outcome == "tls"


def test_a_handshake_that_never_ends_is_ended_by_the_deadline(authority: Any) -> None:
    before = threading.enumerate()  # other tests may have left a client open
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Failure) as refused:
        read(silent.getsockname()[1], authority[1], seconds=1.0)
    assert refused.value.outcome == "deadline"
    assert not [t for t in threading.enumerate() if t not in before and t.name.startswith("fetch")]
