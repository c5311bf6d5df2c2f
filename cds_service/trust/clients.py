"""The registered CDS clients: one table each in the site's TOML file.

[clients.north-hospital]
iss = "https://ehr.north.example"
jku = "https://ehr.north.example/.well-known/jwks.json"   # or jwks = "north-jwks.json"
services = ["pht-patient-view"]
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cds_service.errors import SettingsError
from cds_service.trust.smart.registration import FILES, Smart

#: JWS algorithms a client may be allowed; none of them shares a secret
ASYMMETRIC = (
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA",
)  # fmt: skip
RECOMMENDED = ("ES384", "RS384")  # by CDS Hooks 2.0
#: the issuer of the public CDS Hooks sandbox, whose private key anyone can read
PUBLIC_SANDBOX = "sandbox.cds-hooks.org"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _web_address(value: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username or parts.fragment or re.search(r"[\s\\]|[^\x21-\x7e]", value):
        raise ValueError(f"must be an address that begins with {' or '.join(schemes)}://")
    return value


def _jku(value: str) -> str:
    return _web_address(value, ("https",))


def _base(value: str) -> str:
    value = _web_address(value, ("https", "http"))
    if urlsplit(value).query:
        raise ValueError("must be a base address, without a query")
    return value.rstrip("/")


def _algorithm(value: str) -> str:
    if value not in ASYMMETRIC:
        raise ValueError(f"must be one of {', '.join(ASYMMETRIC)}")
    return value


Text = Annotated[str, Field(min_length=1, max_length=500)]
Base = Annotated[str, AfterValidator(_base)]


class Limits(BaseModel):
    """What one client may ask of this service; unset: the service's own limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    per_minute: int | None = Field(None, ge=1, le=1_000_000)


class Client(BaseModel):
    """A CDS client this service knows; immutable.

    `jku` is the only address its keys are fetched from. With `jwks` (a file) they are read
    from there, and `jku` is only what its tokens may name. `aud` are values accepted in place
    of the endpoint's URL; `base_urls` other bases under which this client calls. Empty
    `tenants` and `services` mean any; empty `fhir_servers` means none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    iss: Text
    jku: Annotated[str, AfterValidator(_jku)] | None = None
    #: the address of its keys may be on the site's own network, or on this machine
    jku_private: bool = False
    jwks: Path | None = None
    algorithms: Annotated[
        tuple[Annotated[str, AfterValidator(_algorithm)], ...], Field(min_length=1)
    ] = RECOMMENDED
    aud: tuple[Text, ...] = ()
    base_urls: tuple[Base, ...] = ()
    tenants: tuple[Text, ...] = ()
    services: tuple[Text, ...] = ()
    fhir_servers: tuple[Base, ...] = ()
    mode: Literal["live", "shadow"] = "live"
    explain: bool = False
    #: within one encounter, a card that another hook has shown to the user is left out
    once_per_encounter: bool = False
    limits: Limits = Limits()
    #: how it launches the SMART app, if it may
    smart: Smart | None = None

    @model_validator(mode="after")
    def _has_keys(self) -> Client:
        if self.jku_private and self.jku is None:
            raise ValueError("jku_private is about jku, which is not there")
        if self.jku is None and self.jwks is None:
            raise ValueError("needs jku (the https address of its keys) or jwks (a file)")
        if self.smart and not self.fhir_servers:
            raise ValueError("smart needs fhir_servers: they are the iss of a launch")
        return self

    def may_call(self, service_id: str) -> bool:
        """Whether the service is one of those it may call."""
        return not self.services or service_id in self.services


#: whoever calls a server that authenticates nobody
ANYONE = Client.model_construct(name="anyone", iss="", explain=True)

Clients = Mapping[str, Client]


def read_clients(tables: Mapping[str, Any], folder: Path) -> Clients:
    """Clients by `iss`. `folder` is where relative `jwks` files are.

    Raises SettingsError with the path of each fault, such as `clients.north.algorithms[0]`.
    """
    found: dict[str, Client] = {}
    for name, table in tables.items():
        client = _client(name, table, folder)
        if client.iss in found:
            raise SettingsError(f"clients.{name}.iss: {found[client.iss].name} has the same")
        found[client.iss] = client
    return MappingProxyType(found)


def _client(name: str, table: object, folder: Path) -> Client:
    if not isinstance(table, dict):
        raise SettingsError(f"clients.{name} must be a table")
    if not _NAME.fullmatch(name) or name == ANYONE.name:
        raise SettingsError(f'[clients."{name}"] cannot be the name of a client')
    if "name" in table:
        raise SettingsError(f"clients.{name}.name is unknown: the table has the name")
    if isinstance(file := table.get("jwks"), str):
        table = table | {"jwks": folder / file}
    if isinstance(smart := table.get("smart"), dict):
        files = {name: folder / smart[name] for name in FILES if isinstance(smart.get(name), str)}
        table = table | {"smart": smart | files}
    try:
        return Client(name=name, **table)
    except ValidationError as error:
        faults = [_fault(name, fault) for fault in error.errors()]
        raise SettingsError("; ".join(faults)) from None


def _fault(name: str, fault: Any) -> str:
    place = f"clients.{name}"
    for part in fault["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), Client.model_fields, n=1)
        return f"{place} is unknown" + (f"; did you mean {near[0]}?" if near else "")
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"


def check_services(clients: Clients, offered: Iterable[str]) -> None:
    """Raises SettingsError for a service that a client may call and nobody offers."""
    known = list(offered)
    for client in clients.values():
        for place, service in enumerate(client.services):
            if service not in known:
                raise SettingsError(
                    f"clients.{client.name}.services[{place}] is not offered;"
                    f" known: {', '.join(known)}"
                )


def warnings(clients: Clients) -> list[str]:
    """What whoever starts the service must know about its clients."""
    return [
        f"Client {client.name} is the public CDS Hooks sandbox: anyone can sign its tokens."
        for client in clients.values()
        if PUBLIC_SANDBOX in (urlsplit(client.iss).hostname, urlsplit(client.jku or "").hostname)
    ]
