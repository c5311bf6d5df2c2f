"""HTTPS, spoken by the service itself."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.web.server import check_may_serve
from tests.conftest import ROOT, Running, Start

CALL = json.loads((ROOT / "fixtures" / "fhir" / "delayed-referral" / "request.json").read_text())
#: the prefetch is whole, and the address of the demo's FHIR server is not registered here
CALL.pop("fhirServer")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Files of the authority, the certificate and its key."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    files = (folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(files[0])
    issued.cert_chain_pems[0].write_to_path(files[1])
    issued.private_key_pem.write_to_path(files[2])
    return files


@pytest.fixture(scope="module")
def secured(start: Start, pair: tuple[Path, Path, Path]) -> Iterator[str]:
    """`cds-service serve` with a certificate; its https address."""
    server: Running = start(
        "serve",
        "--allow-fixed-today",
        CDS_SERVICE_AUTH="open",
        CDS_SERVICE_TODAY="2026-06-15",
        CDS_SERVICE_TLS_CERTIFICATE=str(pair[1]),
        CDS_SERVICE_TLS_KEY=str(pair[2]),
    )
    yield server.url
    server.stop()


@pytest.mark.slow
@pytest.mark.requirement("2.0-2", "2.0-168", "3.0-44")
def test_discovery_and_services_are_served_over_https(
    secured: str, pair: tuple[Path, Path, Path]
) -> None:
    discovery = requests.get(f"{secured}/cds-services", verify=str(pair[0]), timeout=10)
    assert discovery.status_code == 200
    assert discovery.json()["services"]
    answer = requests.post(
        f"{secured}/cds-services/pht-patient-view", json=CALL, verify=str(pair[0]), timeout=10
    )
    assert answer.status_code == 200
    assert answer.json()["cards"]


@pytest.mark.slow
@pytest.mark.requirement("2.0-2", "2.0-168", "3.0-44")
def test_plain_http_gets_nothing_where_https_is_spoken(secured: str) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{secured.replace('https://', 'http://')}/cds-services", timeout=10)


@pytest.mark.slow
def test_a_version_of_tls_before_1_2_is_refused(secured: str) -> None:
    port = int(secured.rsplit(":", 1)[1])
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        old.wrap_socket(raw)


def test_a_certificate_needs_its_key(pair: tuple[Path, Path, Path]) -> None:
    settings = Settings.load(auth="open", tls_certificate=pair[1])
    with pytest.raises(SettingsError, match="need each other"):
        check_may_serve(settings)


def test_a_key_of_another_certificate_stops_the_start(pair: tuple[Path, Path, Path]) -> None:
    settings = Settings.load(auth="open", tls_certificate=pair[0], tls_key=pair[2])
    with pytest.raises(SettingsError, match="cannot be used"):
        check_may_serve(settings)
