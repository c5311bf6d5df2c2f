"""Whom this service may ask: addresses in every disguise, base URLs, links, settings."""

from __future__ import annotations

import pytest

from cds_service.errors import SettingsError
from cds_service.fhir.policy import Policy, beneath, normal, reachable
from cds_service.fhir.queries import fill
from cds_service.settings import Settings
from cds_service.trust.clients import Client
from cds_service.trust.outbound import policy, servers

BASE = "https://ehr.example/fhir"
INSIDE = ["10.0.0.1", "127.0.0.1", "192.168.1.1", "172.16.0.1", "::1", "fc00::1", "::ffff:10.0.0.1"]
NEVER = [
    *("169.254.169.254", "169.254.0.1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
    *("::ffff:169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe", "fe80::1"),
    *("0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%eth0"),
    *("::169.254.169.254", "::ffff:0:a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "fec0::1", "5f00::1"),
]


@pytest.mark.parametrize(
    "address",
    [
        *(*INSIDE, *NEVER, "100.64.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b:1::a00:1"),
        *("::127.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1", "2001:db8::1"),
    ],
)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not reachable(address, private=False)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_link_local_addresses_are_refused_even_when_private_ones_are_not(
    address: str,
) -> None:
    assert not reachable(address, private=True)


@pytest.mark.parametrize("address", [*INSIDE, "100.64.0.1", "::ffff:100.127.255.254"])
def test_addresses_inside_are_allowed_for_a_server_registered_as_private(address: str) -> None:
    assert reachable(address, private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert reachable(address, private=False)


@pytest.mark.parametrize(
    "url", [BASE, BASE + "/", "HTTPS://EHR.example:443/fhir", "https://ehr.example/fhir//"]
)
def test_ways_to_write_a_registered_server_are_one(url: str) -> None:
    assert Policy(servers=frozenset({BASE})).base(url) == BASE


@pytest.mark.parametrize(
    "url",
    [
        *("http://ehr.example/fhir", "https://ehr.example", "https://ehr.example/fhir/x", ""),
        *("https://ehr.example/FHIR", "https://ehr.example:8443/fhir", f"{BASE}?x", f"{BASE}#x"),
        *(
            "https://u@ehr.example/fhir",
            "https://ehr.example@evil.example/fhir",
            "ehr.example/fhir",
        ),
        *("https://ehr.example/x/../fhir", "https://ehr.example/%2e%2e/fhir", "https://[/fhir"),
        *("https://ehr.example\\fhir", "https://ehr.example/fhir\n", "https://2130706433/fhir"),
        *("https://ehr.example:99999/fhir", "https://ehr.example./fhir"),
    ],
)
def test_anything_else_is_not_the_registered_server(url: str) -> None:
    assert Policy(servers=frozenset({BASE})).base(url) is None


@pytest.mark.parametrize(
    "url", [f"{BASE}/Condition?x=1%25;..", f"{BASE}?_getpages=1", BASE, f"{BASE}/a;b/c..d"]
)
def test_links_below_the_base_are_followed(url: str) -> None:
    assert beneath(url, BASE)


@pytest.mark.parametrize(
    "url",
    [
        *("https://ehr.example/fhirx", "https://ehr.example/", "http://ehr.example/fhir/x"),
        *(f"{BASE}/..;/x", f"{BASE}/..;a=b/x", f"{BASE}/%2e%2e;/x", f"{BASE}/.;/x"),
        *(f"{BASE}/%252e%252e/x", f"{BASE}/..%3b/x", f"{BASE}/..%2fx", f"{BASE}/x%255c..%255cx"),
        *(f"{BASE}/../x", f"{BASE}/%2E%2e/x", f"{BASE}\\x", "https://ehr.example:444/fhir/x"),
        *("https://u@ehr.example/fhir/x", "https://ehr.example:x/fhir/x", f"{BASE}/a b"),
    ],
)
def test_other_links_are_not(url: str) -> None:
    assert not beneath(url, BASE)


@pytest.mark.requirement("3.0-26")
@pytest.mark.parametrize(
    "url", ["http://ehr.example/fhir", "ftp://x/y", "ehr", "https://", "https://a/?b"]
)
def test_a_setting_that_is_no_https_base_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_FHIR_SERVERS"):
        policy(Settings.load(fhir_servers=url))


def test_a_private_server_must_be_one_that_may_be_asked() -> None:
    with pytest.raises(SettingsError, match="CDS_SERVICE_FHIR_PRIVATE"):
        policy(Settings.load(fhir_private=BASE))


def test_http_is_for_this_machine_only() -> None:
    assert normal("http://localhost:8080/fhir/") == "http://localhost:8080/fhir"
    assert normal("http://[::1]:8080/fhir") == "http://[::1]:8080/fhir"


def test_a_registered_client_has_servers_of_its_own() -> None:
    north = Client.model_construct(name="north", iss="n", fhir_servers=("https://n.example/r4",))
    known = policy(Settings.load(fhir_servers=BASE), [north])
    assert known.servers == {BASE, "https://n.example/r4"}
    assert servers(north) == {"https://n.example/r4"}


def test_templates_are_filled_from_the_context_and_ask_for_large_pages() -> None:
    context = {"patientId": "a&b", "list": ["x"]}
    filled = fill("Condition?patient={{context.patientId}}", context)
    assert filled == "Condition?patient=a%26b&_count=500"
    assert fill("Patient/{{ context.patientId }}", {"patientId": "p1"}) == "Patient/p1"
    assert fill("Goal?patient={{context.list}}", context) is None
    assert fill("Goal?patient={{context.absent}}", context) is None
