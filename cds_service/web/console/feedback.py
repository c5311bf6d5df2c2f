"""What became of the cards: charts and tables for whoever looks after quality, and as JSON."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from cds_service.errors import BadRequest, CdsError
from cds_service.guideline.overrides import REASONS
from cds_service.ledger import reports
from cds_service.ledger.analytics import By, Period
from cds_service.ledger.measures import MEASURES, NONE, OTHER, REASON
from cds_service.ledger.reports import ANSWERS, Report, duration
from cds_service.web.console import bars
from cds_service.web.pages import common
from cds_service.web.wire import json_response
from cds_service.web.wiring import wiring

blueprint = Blueprint("feedback", __name__)

USUAL = 90  # days that are shown at first
BY_DAY = 31  # longest period that is shown by day; longer ones by week
EXPLAINED = ("findings", "shown", "accepted", "overridden", "ignored", "suppressed", "repeat",
             "precedence", "budget", "paused", "shadow", "again")  # fmt: skip
NAMES = {name: MEASURES[f"{REASON}{name}"].title for name in (*REASONS, OTHER, NONE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One breakdown as drawn and as a table; `measures` make up a bar."""

    key: str
    title: str
    report: Report
    measures: tuple[str, ...]

    @property
    def svg(self) -> str:
        return bars.draw(self.report, self.measures, NAMES, self.title)


@blueprint.get("/feedback")
def page() -> ResponseReturnValue:
    """Charts and tables; `since` and `until` are clinical days, both included."""
    if wiring().store is None:
        return _rendered(period=_usual(), recorded=False)
    try:
        period = _period(usual=True)
        charts = list(_charts(period))
    except CdsError as error:
        shown = _rendered(charts=(), issues=error.issues, period=_usual())
        return make_response(shown, error.status)
    return _rendered(charts=charts, period=period, total=charts[0].report)


@blueprint.get("/feedback.json")
def figures() -> Response:
    """The same figures as JSON, split `by` rule, version, hook, client, reason, day or week."""
    by = request.args.get("by")
    if by and by not in list(By):
        raise BadRequest(f"by must be one of {', '.join(By)}.", expression=["by"], code="value")
    if wiring().store is None:
        return json_response({"recorded": False})
    (made,) = _made(_period(usual=False), By(by) if by else None)
    return json_response(made.as_json())


def _charts(period: Period) -> list[Chart]:
    until = period.until or wiring().today()
    short = period.since is not None and (until - period.since).days < BY_DAY
    time = By.DAY if short else By.WEEK
    rule, moment, reason = _made(period, By.RULE, time, By.REASON)
    return [
        Chart(key="rule", title="Cards by rule", report=rule, measures=ANSWERS),
        Chart(key="reason", title="Overridden, by reason", report=reason, measures=("overridden",)),
        Chart(key="time", title=f"Cards by {time}", report=moment, measures=ANSWERS),
    ]


def _made(period: Period, *breakdowns: By | None) -> list[Report]:
    """Reports, read without the short patience that requests have for the database."""
    shared = wiring()
    assert shared.store is not None  # noqa: S101  # the routes have looked
    least = shared.settings.small_numbers
    with closing(shared.store.unhurried()) as store, store.snapshot() as connection:
        return list(reports.breakdowns(connection, period, breakdowns, least))


def _period(*, usual: bool) -> Period:
    given = Period(_day("since"), _day("until"))
    if given.since and given.until and given.since > given.until:
        raise BadRequest("since is after until.", expression=["since"], code="value")
    return _usual() if usual and not request.args else given


def _usual() -> Period:
    return Period(wiring().today() - timedelta(days=USUAL - 1), wiring().today())


def _day(name: str) -> date | None:
    given = request.args.get(name)
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        words = f"{name} must be a date such as 2026-06-15."
        raise BadRequest(words, expression=[name], code="value") from None


def _rendered(**more: Any) -> str:
    return render_template(
        "console/feedback.html",
        **{
            "issues": (),
            "recorded": True,
            "total": None,
            "names": NAMES,
            "explained": [MEASURES[name] for name in EXPLAINED],
            "measures": MEASURES,
            "duration": duration,
            "told": bars.told,
            **common(),
            **more,
        },
    )
