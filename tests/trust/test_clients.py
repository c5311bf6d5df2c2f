from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.trust.clients import check_services, read_clients, warnings
from cds_service.web import callers

HERE = Path("/etc/cds")
NORTH = {"iss": "https://ehr.north.example", "jku": "https://ehr.north.example/jwks.json"}


def read(**table: Any) -> Any:
    (client,) = read_clients({"north": NORTH | table}, HERE).values()
    return client


def test_a_client_needs_an_issuer_and_an_address_of_its_keys() -> None:
    client = read()
    assert client.name == "north"
    assert client.algorithms == ("ES384", "RS384")
    assert client.mode == "live"
    assert not client.explain
    assert client.fhir_servers == ()
    assert client.may_call("anything")


def test_a_client_may_be_kept_to_some_services() -> None:
    client = read(services=["a"])
    assert client.may_call("a")
    assert not client.may_call("b")


def test_a_file_of_keys_is_looked_for_beside_the_configuration() -> None:
    assert read(jwks="north.json").jwks == HERE / "north.json"
    assert read(jwks="/keys/north.json").jwks == Path("/keys/north.json")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"iss": ""}, r"clients\.north\.iss: "),
        ({"iss": 1}, r"clients\.north\.iss: "),
        ({"jku": "http://ehr.example/jwks"}, r"clients\.north\.jku: must be an address"),
        ({"jku": "https://a@ehr.example/jwks"}, r"clients\.north\.jku: must be"),
        ({"jku": "https://ehr.example/jwks#x"}, r"clients\.north\.jku: must be"),
        ({"jku": "https://ehr.example:x/jwks"}, r"clients\.north\.jku: must be"),
        ({"algorithms": ["none"]}, r"clients\.north\.algorithms\[0\]: must be one of"),
        ({"algorithms": ["ES384", "HS256"]}, r"clients\.north\.algorithms\[1\]: must be"),
        ({"algorithms": []}, r"clients\.north\.algorithms: "),
        ({"fhir_servers": ["ftp://x"]}, r"clients\.north\.fhir_servers\[0\]: must be"),
        ({"base_urls": ["https://x/?a=1"]}, r"clients\.north\.base_urls\[0\]: must be a base"),
        ({"mode": "on"}, r"clients\.north\.mode: "),
        ({"service": ["a"]}, r"clients\.north\.service is unknown; did you mean services"),
        ({"limits": {"per_minute": 0}}, r"clients\.north\.limits\.per_minute: "),
        ({"limits": {"per_hour": 9}}, r"clients\.north\.limits\.per_hour is unknown"),
        ({"name": "x"}, r"clients\.north\.name is unknown"),
        ({"jku": None}, r"clients\.north: needs jku"),
    ],
)
def test_a_fault_stops_the_start_and_is_told_with_its_place(
    table: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{complaint}"):
        read(**table)


def test_two_clients_cannot_share_an_issuer() -> None:
    with pytest.raises(SettingsError, match=r"clients\.b\.iss: a has the same"):
        read_clients({"a": NORTH, "b": NORTH}, HERE)


@pytest.mark.parametrize("name", ["anyone", "a b", "", "x" * 65, "-a"])
def test_a_name_is_a_word_that_can_be_logged(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be the name of a client"):
        read_clients({name: NORTH}, HERE)


def test_a_service_nobody_offers_is_told_with_its_place() -> None:
    clients = read_clients({"north": NORTH | {"services": ["a", "b"]}}, HERE)
    check_services(clients, ["a", "b"])
    with pytest.raises(SettingsError, match=r"clients\.north\.services\[1\] is not offered"):
        check_services(clients, ["a"])


def test_the_public_sandbox_is_registered_under_a_warning_only() -> None:
    sandbox = {"iss": "https://sandbox.cds-hooks.org", "jku": "https://x.example/jwks.json"}
    (told,) = warnings(read_clients({"s": sandbox, "north": NORTH}, HERE))
    assert "anyone can sign" in told


def settings(folder: Path, text: str) -> Settings:
    file = folder / "site.toml"
    file.write_text(text)
    return Settings.load(config=file)


def test_clients_stand_in_the_file_of_the_site(tmp_path: Path) -> None:
    chosen = settings(tmp_path, '[clients.north]\niss = "x"\njku = "https://a.example/k"')
    assert callers.authenticator(chosen, chosen.site_file().clients, []) is not None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no client is registered"),
        ("[clients]", "no client is registered"),
        ('[clients.north]\niss = "x"', r"site\.toml: clients\.north: needs jku"),
        ("[clients]\nnorth = 1", r"site\.toml: clients\.north must be a table"),
        ('[clients.north]\niss = "x"\njwks = "none.json"', r"none\.json: cannot be read"),
    ],
)
def test_a_service_without_a_sound_client_does_not_start(
    text: str, complaint: str, tmp_path: Path
) -> None:
    chosen = settings(tmp_path, text)
    with pytest.raises(SettingsError, match=complaint):
        callers.authenticator(chosen, chosen.site_file().clients, [])
