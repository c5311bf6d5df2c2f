"""Every setting, read once at start-up from `CDS_SERVICE_*` environment variables.

`Settings.site()` is the part the clinical code may see, together with the TOML file named
by CDS_SERVICE_CONFIG (see `cds_service.site`). Nothing here reads a clock: `today` is a
date somebody set.
"""

from __future__ import annotations

import difflib
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_service.errors import SettingsError
from cds_service.site import Site, SiteFile, read_site_file

__all__ = ["PREFIX", "Settings", "Site"]

PREFIX = "CDS_SERVICE_"

# Kubernetes sets these for any Service named "cds-service"; they are not misspelt settings.
_SERVICE_LINK = re.compile(r"CDS_SERVICE_(SERVICE_(HOST|PORT\w*)|PORT_\d+_\w+)")
# Plain origins only: flask-cors would read anything with a regex character as a pattern.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
# What can be a segment of a URL as it stands.
SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_PUBLIC_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[1-9][0-9]{0,4})")
_REDIS = re.compile(r"rediss?://[^/]+")
_POSTGRESQL = re.compile(r"postgres(ql)?://")


def _words(value: object) -> object:
    """`a, b` from the environment as a list."""
    return [w for w in re.split(r"[\s,]+", value) if w] if isinstance(value, str) else value


def _empty_is_unset(value: object) -> object:
    """`CDS_SERVICE_TODAY= cds-service serve` unsets the date."""
    return None if value == "" else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Europe/London") from None
    return name


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("must be origins such as https://ehr.example.org, comma-separated")
    return origins


def _public_url(url: str) -> str:
    if url and not _PUBLIC_URL.fullmatch(url):
        raise ValueError("must be an http(s) URL without query or fragment")
    return url.rstrip("/")


def _segment(identity: str) -> str:
    if identity and not SEGMENT.fullmatch(identity):
        raise ValueError("must be letters, digits, '.', '_', '~' or '-'")
    return identity


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value() and not _POSTGRESQL.match(url.get_secret_value()):
        raise ValueError("must begin with postgresql:// (empty: SQLite)")
    return url


def _metrics(where: str) -> str:
    if where not in ("off", "local") and not _ADDRESS.fullmatch(where):
        raise ValueError("must be off, local, or an address such as 0.0.0.0:9090")
    return where


def _redis(url: SecretStr) -> SecretStr:
    if url.get_secret_value() and not _REDIS.match(url.get_secret_value()):
        raise ValueError("must begin with redis:// or rediss:// (empty: none)")
    return url


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Unsettable = BeforeValidator(_empty_is_unset)


class Settings(BaseSettings):
    """All settings with their defaults; each description is what an operator reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    auth: Literal["required", "open"] = Field(
        "required", description="Who may call: required (authenticated clients) or open (anyone)."
    )
    token_max_age: int = Field(
        300,
        description="Longest time since a client's token was issued, in seconds.",
        ge=10,
        le=3600,
    )
    replay: Literal["tolerant", "strict"] = Field(
        "tolerant",
        description="When the database does not answer, each process checks for used tokens alone"
        " (tolerant), or no token is taken (strict).",
    )
    jwks_ttl: int = Field(
        600, description="Seconds for which a client's fetched keys are kept.", ge=10, le=86_400
    )
    jwks_stale: int = Field(
        3600, description="Seconds more while the client's key address does not answer.", ge=0
    )
    ca_file: Annotated[Path | None, Unsettable] = Field(
        None, description="PEM file of the certificate authorities trusted in outgoing calls."
    )
    discovery: Literal["public", "client"] = Field(
        "public", description="Who may ask what is offered: anyone (public) or registered clients."
    )
    hosts: Words = Field(
        (), description="Further host names under which an open server answers, comma-separated."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.", min_length=1)
    port: int = Field(8000, description="TCP port to listen on.", ge=1, le=65535)
    tls_certificate: Annotated[Path | None, Unsettable] = Field(
        None, description="PEM file with the certificate chain; with TLS_KEY, HTTPS is spoken."
    )
    tls_key: Annotated[Path | None, Unsettable] = Field(
        None, description="PEM file with the key of TLS_CERTIFICATE."
    )
    workers: int = Field(2, description="Server processes.", ge=1, le=64)
    threads: int = Field(
        64,
        description="Threads in each server process; each reads or answers one request.",
        ge=4,
        le=1024,
    )
    in_flight: int = Field(
        8,
        description="Calls each server process works on at once; as many wait, the rest get 503.",
        ge=1,
        le=256,
    )
    rate_limit: int = Field(
        0,
        description="Most calls of a client in a minute, where it has no limit of its own;"
        " 0: no limit.",
        ge=0,
        le=1_000_000,
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis)] = Field(
        SecretStr(""),
        description="redis://:password@host:port (rediss: over TLS), to count calls for all"
        " processes together; empty: each counts its share.",
    )
    patience: float = Field(
        10.0,
        description="Seconds a client has to send a whole request, and again to take the answer.",
        gt=0,
        le=300,
    )
    drain: float = Field(
        0.0,
        description="Seconds it goes on after SIGTERM, with /ready at 503, before it stops.",
        ge=0,
        le=300,
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="URL under which clients reach this service; empty: http://localhost:PORT."
    )
    cors_origins: Annotated[Words, AfterValidator(_origins)] = Field(
        (), description="Web origins whose pages may call, comma-separated; the demo allows any."
    )
    body_limit: int = Field(
        10_000_000, description="Largest request body accepted, in bytes.", ge=1_000
    )
    resource_limit: int = Field(
        10_000, description="Most FHIR resources accepted in one request body.", ge=1
    )
    string_limit: int = Field(
        1_048_576,
        description="Longest string accepted in a request body, in bytes; FHIR allows 1 MB.",
        ge=1_000,
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Time zone that decides what day it is today."
    )
    today: Annotated[date | None, Unsettable] = Field(
        None, description="Fixes the clinical date (YYYY-MM-DD); for tests and demos only."
    )
    config: Annotated[Path | None, Unsettable] = Field(
        None, description="TOML file with the site's clients, rule modes, parameters and codes."
    )
    plugins: Words = Field(
        ("pht",), description="Entry points (group cds_service.services) to offer, in order."
    )
    shared_id: Annotated[str, AfterValidator(_segment)] = Field(
        "", description="One id for the services of all hooks; empty: each has its own."
    )
    accept_nonspecific: bool = Field(
        default=False,
        description="Count ICD-10-CM M76.89- alone as the condition.",
    )
    advise_patients: bool = Field(
        default=False, description="Give cards also when the user is the patient or a relative."
    )
    unsupported: Words = Field(
        (),
        description="Resource types this EHR does not have, such as CarePlan: taken as empty.",
    )
    console: Literal["off", "local", "password"] = Field(
        "off",
        description="Pages for operators: off, local (from this machine only) or password (they"
        " log in); the demo shows them to anyone.",
    )
    operators: Annotated[Path | None, Unsettable] = Field(
        None, description="File of those who may log in (cds-service operator add)."
    )
    session_idle: int = Field(
        1800, description="Seconds without a request after which an operator is logged out.", ge=60
    )
    session_life: int = Field(
        28_800, description="Seconds after which an operator is logged out in any case.", ge=60
    )
    metrics: Annotated[str, AfterValidator(_metrics)] = Field(
        "local",
        description="Who may read /metrics: off, local (from this machine), or an address and port"
        " of its own, such as 0.0.0.0:9090, for whoever reaches that.",
    )
    state: Annotated[Path | None, Unsettable] = Field(
        None, description="The one folder this service writes to; empty: see docs/operator.md."
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] = Field(
        SecretStr(""), description="postgresql://user:password@host/name; empty: SQLite in STATE."
    )
    database_timeout: int = Field(
        100,
        description="Longest a request waits for the database, or for Redis, in milliseconds.",
        ge=10,
    )
    keys: Annotated[Path | None, Unsettable] = Field(
        None, description="File of the keys that hash ids; empty: made in STATE (SQLite only)."
    )
    fhir_servers: Words = Field(
        (), description="Base URLs of the FHIR servers to fetch missing data from, comma-separated."
    )
    fhir_private: Words = Field(
        (), description="Those of CDS_SERVICE_FHIR_SERVERS that have private addresses."
    )
    fetch_deadline: float = Field(
        2.0, description="Seconds for all that one call fetches.", gt=0, le=20
    )
    fetch_bytes: int = Field(
        5_000_000, description="Most bytes fetched for one prefetch key, all pages.", ge=1_000
    )
    fetch_pages: int = Field(
        20, description="Most pages fetched for one prefetch key.", ge=1, le=1_000
    )
    fetch_connections: int = Field(
        16, description="Fetches at the same time, in each server process.", ge=1, le=256
    )
    ledger_required: bool = Field(
        default=False, description="Give no advice that cannot be put on record: 503 instead."
    )
    spool_limit: int = Field(
        50_000_000, description="Most that waits in STATE for the database, in bytes.", ge=0
    )
    keep_comments: bool = Field(
        default=False, description="Keep what users write in feedback; it may hold patient data."
    )
    small_numbers: int = Field(
        5,
        description="Counts below this are hidden in reports on feedback; 0: none are.",
        ge=0,
        le=100,
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe messages that are logged."
    )

    @model_validator(mode="after")
    def _some_threads_stay_free(self) -> Self:
        """Calls under way and waiting leave threads for health checks and slow senders."""
        if self.threads < 2 * self.in_flight + 2:
            raise ValueError("CDS_SERVICE_THREADS must be at least 2 * CDS_SERVICE_IN_FLIGHT + 2")
        return self

    @model_validator(mode="after")
    def _metrics_have_their_own_port(self) -> Self:
        if (address := self.metrics_address()) and not self.port != address[1] <= 65535:  # noqa: PLR2004
            raise ValueError("CDS_SERVICE_METRICS needs a port that differs from CDS_SERVICE_PORT")
        return self

    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port where nothing but the metrics is served, if they have one."""
        found = _ADDRESS.fullmatch(self.metrics)
        return (found["host"], int(found["port"])) if found else None

    @model_validator(mode="after")
    def _hides_numbers_really(self) -> Self:
        """Less than 2 would be 1."""
        if self.small_numbers in (1, 2):
            raise ValueError("CDS_SERVICE_SMALL_NUMBERS must be 0, or 3 and more")
        return self

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Settings from the environment, `given` first. Raises SettingsError naming each fault."""
        _refuse_unknown(tuple(cls.variables()))
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Environment variable -> field name, in the order of declaration."""
        return {PREFIX + name.upper(): name for name in cls.model_fields}

    def state_folder(self) -> Path:
        """The state folder: as set, as systemd gives it, or the user's own."""
        if self.state:
            return self.state
        if given := os.environ.get("STATE_DIRECTORY"):
            return Path(given.split(":")[0])
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "cds-service"

    def base_url(self) -> str:
        """The public URL, without a trailing slash."""
        return self.public_url or f"http://localhost:{self.port}"

    def site_file(self) -> SiteFile:
        """What the TOML file says. Raises SettingsError when it is faulty."""
        return read_site_file(self.config) if self.config else SiteFile()

    def site(self, from_file: SiteFile | None = None) -> Site:
        """What the clinical code may see. Raises SettingsError for a faulty TOML file."""
        from_file = from_file or self.site_file()
        return Site(
            timezone=ZoneInfo(self.timezone),
            public_url=self.base_url(),
            parameters=from_file.parameters,
            rule_modes=from_file.rule_modes,
            codes=from_file.codes,
            accept_nonspecific=self.accept_nonspecific,
            advise_patients=self.advise_patients,
            fixed_today=self.today,
            unsupported=frozenset(self.unsupported),
            repeats=from_file.repeats,
        )


def _refuse_unknown(known: tuple[str, ...]) -> None:
    """A misspelt setting would silently leave its default in force: stop instead."""
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{name} is not a setting{hint} (see: cds-service settings)")


def _explain(error: ValidationError) -> str:
    return "; ".join(map(_fault, error.errors()))


def _fault(fault: ErrorDetails) -> str:
    words = fault["msg"].removeprefix("Value error, ")
    where = fault["loc"]  # empty where settings do not go together
    return f"{PREFIX}{str(where[0]).upper()}: {words}" if where else words
