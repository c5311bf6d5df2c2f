"""What people read: the home page and the guideline.

Plain HTML that works without JavaScript. The one script copies an address and filters a page.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request

from cds_service.guideline import RECOMMENDATIONS
from cds_service.guideline.claims import CLAIMS
from cds_service.guideline.evidence import quantity
from cds_service.guideline.finding import Recommendation
from cds_service.guideline.legend import AMBIGUITIES, CONVENTIONS
from cds_service.guideline.registry import SERVICE_WIDE, parameters
from cds_service.guideline.sources import ARTICLE, READING
from cds_service.trust.pausing import how_long
from cds_service.web import headers, status
from cds_service.web.wiring import wiring

blueprint = Blueprint("pages", __name__)
blueprint.after_request(headers.allow_own_script)


@blueprint.get("/")
def home() -> str:
    """What this service is for, how it stands, and where to go from here."""
    return render_template("home.html", status=status.facts(), **common())


@blueprint.get("/guideline")
def guideline() -> str:
    """Every recommendation, or those that hold all words of `?q=`; cards link to `#<rule-id>`."""
    words = request.args.get("q", "").strip()
    sought = words.casefold().split()
    found = [rule for rule in RECOMMENDATIONS if all(w in _text(rule) for w in sought)]
    return render_template(
        "guideline.html",
        recommendations=found,
        total=len(RECOMMENDATIONS),
        words=words,
        hooks={rule.id: _hooks(rule) for rule in found},
        shared=[p for p in parameters().values() if p.name in SERVICE_WIDE],
        used_by=SERVICE_WIDE,
        article=ARTICLE,
        reading=READING,
        claims={claim.id: claim.words for claim in CLAIMS},
        marks=(AMBIGUITIES, CONVENTIONS),
        paused=_paused(),
        **common(),
    )


def _paused() -> dict[str, str]:
    """Rule, or `all` -> since when; not why, for anyone may read this page."""
    paused = wiring().paused
    return {one.rule: how_long(one) for one in paused.in_force()} if paused else {}


def _text(rule: Recommendation) -> str:
    """What a rule is found by: its own words, its numbers and where it is asked."""
    head = rule.header
    numbers = (f"{p.name} {p.quote} {p.reading} {p.place}" for p in rule.parameters)
    sources = (source.citation for source in rule.sources)
    return " ".join(
        [
            *(head.id, head.title, head.source_says, head.evidence, head.origin),
            *(head.when, head.unless, head.then, head.unsure),
            *(*numbers, *sources, *_hooks(rule)),
        ]
    ).casefold()


def _hooks(rule: Recommendation) -> list[str]:
    """The hooks at which this server asks it."""
    asking = [s for s in wiring().services.values() if rule in s.recommendations]
    return list(dict.fromkeys(service.hook for service in asking))


def common() -> dict[str, Any]:
    """What the layout and most pages show."""
    shared = wiring()
    return {
        "base_url": shared.settings.base_url(),
        "demo": shared.demo is not None,
        "fixed": shared.site.fixed_today is not None,
        "site": shared.site,
        "services": list(shared.services.values()),
        "listed": shared.settings.discovery == "public",
        "today": shared.today(),
    }


blueprint.add_app_template_filter(quantity)


@blueprint.app_template_filter("pretty")
def pretty(value: object) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@blueprint.app_template_filter("day")
def day(value: date | str) -> str:
    """A date in words, the same in every locale: 15 June 2026."""
    when = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


@blueprint.app_template_filter("patient_name")
def patient_name(patient: dict[str, Any]) -> str:
    """The first name a Patient has, or the id."""
    for name in patient.get("name", ()):
        parts = [*name.get("given", ()), name.get("family", "")]
        text = name.get("text") or " ".join(filter(None, parts))
        if text:
            return str(text)
    return str(patient["id"])


MONTHS = (
    "January February March April May June July August September October November December"
).split()
