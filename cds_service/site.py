"""What one deployment decides for the clinical code, and the TOML file it is written in.

    [rules.steroid-overuse]
    mode = "shadow"                       # on | shadow | off
    [parameters]
    steroid-interval-minimum = 42
    [codes.pht]                           # more codes for the value set "pht"
    "http://snomed.info/sct" = ["..."]
    [clients.north-hospital]              # who may call: see `cds_service.trust.clients`
    iss = "https://ehr.north.example"
    [repeats.info]                        # days before an overridden card is shown again
    patient-declined = 90                 # by override reason; "default" for all others
    [retention]                           # days after which `cds-service ledger purge` deletes
    calls = 400

Names of rules, parameters and value sets are checked against the guideline by
`cds_service.service.check_site`; this module checks only the shape.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.errors import SettingsError

MODES = ("on", "shadow", "off")
TABLES = ("rules", "parameters", "codes", "clients", "repeats", "retention")

ALL = "all"  # every rule, where rules are withheld
RULE_IN_SHADOW = "the rule is in shadow mode"
CLIENT_IN_SHADOW = "this client is in shadow mode"
PAUSED = "paused since "  # how the reason begins, by which reports tell a pause from a trial

NO_REASON = "no reason given"
DEFAULT = "default"  # the row of the table of repeats for every reason not named
REPEAT_DAYS = 42  # G8: info cards are not repeated within 42 days of dismissal
RETENTION = MappingProxyType({"comments": 30, "pending": 30})  # days, unless the site says more
KEPT = ("calls", "comments", "pending")  # what has a time of its own
LONGEST_RETENTION = 36_500
LONGEST_REPEAT = 365  # days: what is held back longer is better switched off

Codes = Mapping[str, Mapping[str, tuple[str, ...]]]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Repeats:
    """For how many days an overridden card is held back: by level, then by override reason.

    Critical cards never are, warnings only where the site says so.
    """

    info: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({DEFAULT: REPEAT_DAYS, "record-wrong": 7})
    )
    warning: Mapping[str, int] = field(default_factory=_nothing)

    def days(self, level: str, reason: str) -> int:
        """0: not held back."""
        table = {"info": self.info, "warning": self.warning}.get(level, {})
        return table.get(reason, table.get(DEFAULT, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One deployment's decisions; immutable.

    `codes` is value set -> code system -> further codes; `parameters` and `rule_modes`
    override the guideline's own by name. `public_url` has no trailing slash.
    """

    timezone: ZoneInfo
    public_url: str
    parameters: Mapping[str, float] = field(default_factory=_nothing)
    rule_modes: Mapping[str, str] = field(default_factory=_nothing)
    codes: Codes = field(default_factory=_nothing)
    accept_nonspecific: bool = False
    advise_patients: bool = False
    fixed_today: date | None = None
    #: resource types this EHR does not have: known to be empty, not missing
    unsupported: frozenset[str] = frozenset()
    #: rules judged but not shown for now, or ALL, each with the reason
    withheld: Mapping[str, str] = field(default_factory=_nothing)
    repeats: Repeats = field(default_factory=Repeats)
    #: where the client's cards launch the SMART app; empty: they do not
    smart_app: str = ""

    def silenced(self, rule: str) -> str | None:
        """Why a rule that is judged is not shown, if so."""
        if self.rule_modes.get(rule) == "shadow":
            return RULE_IN_SHADOW
        return self.withheld.get(rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """The content of the TOML file; `clients` as written there, for `trust` to read."""

    parameters: Mapping[str, float] = field(default_factory=_nothing)
    rule_modes: Mapping[str, str] = field(default_factory=_nothing)
    codes: Codes = field(default_factory=_nothing)
    clients: Mapping[str, Any] = field(default_factory=_nothing)
    repeats: Repeats = field(default_factory=Repeats)
    #: days by kind of record; what is not in it is kept until somebody says otherwise
    retention: Mapping[str, int] = field(default_factory=lambda: RETENTION)


def read_site_file(path: Path) -> SiteFile:
    """The file at `path`. Raises SettingsError saying what is wrong and where."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML ({error})") from None
    try:
        return _site_file(content)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _site_file(content: dict[str, Any]) -> SiteFile:
    for name in content:
        if name not in TABLES:
            raise SettingsError(f"[{name}] is unknown; the tables are {', '.join(TABLES)}")
    return SiteFile(
        rule_modes=MappingProxyType(_rule_modes(_table(content, "rules"))),
        parameters=MappingProxyType(_parameters(_table(content, "parameters"))),
        codes=MappingProxyType(_codes(_table(content, "codes"))),
        clients=MappingProxyType(_table(content, "clients")),
        repeats=_repeats(_table(content, "repeats")),
        retention=MappingProxyType(RETENTION | _retention(_table(content, "retention"))),
    )


def _table(content: dict[str, Any], name: str, path: str = "") -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path or name} must be a table")
    return table


def _rule_modes(rules: dict[str, Any]) -> dict[str, str]:
    modes = {}
    for rule in rules:
        table = _table(rules, rule, f"rules.{rule}")
        if table.keys() != {"mode"} or table["mode"] not in MODES:
            raise SettingsError(f"[rules.{rule}] needs one line: mode = one of {', '.join(MODES)}")
        modes[rule] = table["mode"]
    return modes


def _parameters(table: dict[str, Any]) -> dict[str, float]:
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SettingsError(f"parameters.{name} must be a number")
    return dict(table)


def _repeats(levels: dict[str, Any]) -> Repeats:
    """Each level's table over the one that is there without it."""
    for level in levels:
        if level not in ("info", "warning"):
            raise SettingsError(f"[repeats.{level}] is unknown: info or warning (critical: never)")
    usual = Repeats()
    return Repeats(
        info=MappingProxyType({**usual.info, **_days(levels, "info")}),
        warning=MappingProxyType(_days(levels, "warning")),
    )


def _days(levels: dict[str, Any], level: str) -> dict[str, int]:
    table = _table(levels, level, f"repeats.{level}")
    for reason, days in table.items():
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= LONGEST_REPEAT:
            raise SettingsError(f"repeats.{level}.{reason} must be days, 0 to {LONGEST_REPEAT}")
    return table


def _retention(table: dict[str, Any]) -> dict[str, int]:
    for name, days in table.items():
        if name not in KEPT:
            raise SettingsError(f"retention.{name} is unknown: one of {', '.join(KEPT)}")
        if (
            isinstance(days, bool)
            or not isinstance(days, int)
            or not 1 <= days <= LONGEST_RETENTION
        ):
            raise SettingsError(f"retention.{name} must be days, 1 to {LONGEST_RETENTION}")
    return table


def _codes(value_sets: dict[str, Any]) -> dict[str, Mapping[str, tuple[str, ...]]]:
    return {
        name: MappingProxyType(
            {
                system: _code_list(listed, f'codes.{name}."{system}"')
                for system, listed in _table(value_sets, name, f"codes.{name}").items()
            }
        )
        for name in value_sets
    }


def _code_list(listed: object, path: str) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(c, str) and c for c in listed):
        raise SettingsError(f"{path} must be a list of codes, each in quotes")
    return tuple(listed)
