"""How the service stands, for the home page: what anyone may know, and nothing else.

No address, name of a client, reason of a pause, or word about a patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import current_app

from cds_service import __version__
from cds_service.guideline import EDITION, RECOMMENDATIONS
from cds_service.site import ALL
from cds_service.web import readiness
from cds_service.web.readiness import Part, Standing
from cds_service.web.wiring import Wiring, wiring


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. `heed`: whoever runs the service must know this."""

    name: str
    words: str
    heed: bool = False


CALLERS = {
    "required": Fact("Who may call", "registered clients, by their signed token"),
    "open": Fact("Who may call", "anyone who reaches it: nobody is authenticated", heed=True),
}


CONSOLES = {
    "off": "off",
    "local": "on, from this machine only",
    "password": "on, with a password",
}


def facts() -> list[Fact]:
    """In the order a reader asks."""
    return list(_facts(wiring()))


def _facts(shared: Wiring) -> Iterator[Fact]:
    yield Fact("Version", f"{__version__}, running")
    yield _ready(readiness.of(current_app).parts())
    yield Fact("Guideline", f"edition {EDITION}, not reviewed by a clinician", heed=True)
    yield from _rules(shared)
    fixed = shared.site.fixed_today
    if fixed:
        yield Fact("Clinical date", f"fixed at {fixed.isoformat()}: not for patient care", True)
    else:
        yield Fact("Clinical date", f"{shared.today().isoformat()}, as the clock has it")
    yield CALLERS[shared.settings.auth]
    if shared.demo:
        yield Fact("Console", "open to anyone: this is the demo, its patients are invented")
    else:
        yield Fact("Console", CONSOLES[shared.settings.console])


def _ready(parts: Mapping[str, Part]) -> Fact:
    """In the words of `/ready`, and which parts are at fault."""
    worst = max((part.standing for part in parts.values()), key=list(Standing).index)
    faults = [f"{n} {p.state}" for n, p in parts.items() if p.standing is not Standing.READY]
    words = {
        Standing.READY: "yes",
        Standing.DEGRADED: f"yes, in part: {', '.join(faults)}",
        Standing.NOT_READY: f"no: {', '.join(faults)}",
    }
    return Fact("Ready", words[worst], heed=bool(faults))


def _rules(shared: Wiring) -> Iterator[Fact]:
    modes = list(shared.site.rule_modes.values())
    words = [str(len(RECOMMENDATIONS))]
    words += [f"{modes.count(mode)} {mode}" for mode in ("shadow", "off") if mode in modes]
    yield Fact("Rules", ", ".join(words))
    if shared.paused:
        paused = [one.rule for one in shared.paused.in_force()]
        told = ["all rules" if rule == ALL else rule for rule in paused]
        yield Fact("Paused", ", ".join(dict.fromkeys(told)) or "none", heed=bool(paused))
