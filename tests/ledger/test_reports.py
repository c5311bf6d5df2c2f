"""The figures of a report, on both databases."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service import reporting
from cds_service.cli import main
from cds_service.ledger import analytics, reports
from cds_service.ledger.analytics import By, Period
from cds_service.ledger.reports import Report
from cds_service.site import CLIENT_IN_SHADOW, PAUSED, RULE_IN_SHADOW
from cds_service.store.engine import Store
from tests.ledger.advised import DAY, advised, answered

ALWAYS = Period()


def report(store: Store, by: By | None = None, period: Period = ALWAYS, least: int = 0) -> Report:
    with store.read() as connection:
        return reports.report(connection, period, by, least)


def total(store: Store, **given: Any) -> dict[str, Any]:
    made = report(store, **given)
    return {name: told for name, told in made.flat(made.total).items() if told}


def rows(made: Report) -> list[tuple[str, ...]]:
    return [line.key for line in made.lines]


def test_a_card_counts_once_as_what_became_of_it(store: Store) -> None:
    advised(store, 2)
    answered(store, advised(store, 3), "accepted")
    answered(store, advised(store, 4), "overridden", reason="patient-declined")
    answered(store, advised(store), "overridden")
    answered(store, advised(store), "overridden", reason="of-their-own")
    told = total(store)
    assert (told["findings"], told["shown"]) == (11, 11)
    assert (told["accepted"], told["overridden"], told["ignored"]) == (3, 6, 2)
    assert told["reason:patient-declined"] == 4
    assert (told["reason:no-code"], told["reason:other-code"]) == (1, 1)
    assert told["overriddenShare"] == pytest.approx(6 / 11, abs=1e-4)


def test_what_was_not_shown_counts_by_its_kind(store: Store) -> None:
    for number, state in enumerate(("repeat", "precedence", "budget"), start=1):
        advised(store, number, state=state)
    advised(store, 4, state="shadow", why=f"{PAUSED}2026-06-01 12:00 UTC: under review")
    advised(store, 5, state="shadow", why=RULE_IN_SHADOW)
    advised(store, 6, state="shadow", why=CLIENT_IN_SHADOW)
    told = total(store)
    assert [told[kind] for kind in ("repeat", "precedence", "budget", "paused")] == [1, 2, 3, 4]
    assert (told["suppressed"], told["shadow"], told["findings"]) == (10, 11, 21)
    assert (told["shadow-rule"], told["shadow-client"]) == (5, 6)
    assert "shown" not in told


def test_the_last_word_counts_whenever_it_arrives(store: Store) -> None:
    ids = advised(store)
    answered(store, ids, "accepted", after=90)
    answered(store, ids, "overridden", after=30, reason="improving")
    told = total(store)
    assert (told["accepted"], told.get("overridden")) == (1, None)


def test_the_same_card_sent_again_counts_once_and_is_told_apart(store: Store) -> None:
    advised(store, issued=3)
    told = total(store)
    assert (told["shown"], told["again"]) == (1, 2)


def test_the_median_is_from_the_card_to_its_first_answer(store: Store) -> None:
    for seconds in (10, 20, 60):
        answered(store, advised(store), "accepted", after=seconds)
    ids = advised(store)
    answered(store, ids, "overridden", after=40)
    answered(store, ids, "accepted", after=9000)
    advised(store, 5)
    assert total(store)["medianSecondsToAnswer"] == pytest.approx(30, abs=0.1)
    answered(store, advised(store), "accepted", after=-50)  # the client's clock is behind
    assert total(store)["medianSecondsToAnswer"] == pytest.approx(20, abs=0.1)


def test_each_row_has_a_median_of_its_own(store: Store) -> None:
    answered(store, advised(store, rule="nsaid-caution"), "accepted", after=100)
    answered(
        store, advised(store, rule="eswt-caution"), "overridden", after=300, reason="improving"
    )
    told = {line.key: line.median for line in report(store, By.RULE).lines}
    assert told == {("eswt-caution",): pytest.approx(300), ("nsaid-caution",): pytest.approx(100)}
    (reason,) = report(store, By.REASON).lines
    assert (reason.key, reason.counts, reason.median) == (
        ("improving",), {"overridden": 1}, pytest.approx(300),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by", "given", "key"),
    [
        (By.RULE, {"rule": "nsaid-caution"}, ("nsaid-caution",)),
        (By.VERSION, {"edition": "2027.01"}, ("steroid-overuse", "2027.01", "0.1.0")),
        (By.HOOK, {"hook": "order-sign"}, ("order-sign",)),
        (By.CLIENT, {"client": "south", "tenant": "t"}, ("south", "t")),
        (By.DAY, {"day": date(2026, 6, 21)}, ("2026-06-21",)),
        (By.WEEK, {"day": date(2026, 6, 22)}, ("2026-06-22",)),
    ],
)
def test_it_is_split_by(store: Store, by: By, given: dict[str, Any], key: tuple[str, ...]) -> None:
    advised(store, 2)
    advised(store, 3, **given)
    counts = {line.key: line.counts["shown"] for line in report(store, by).lines}
    assert len(counts) == 2
    assert counts[key] == 3


def test_a_week_begins_on_monday(store: Store) -> None:
    for day in (14, 15, 21, 22):
        advised(store, day=date(2026, 6, day))
    told = {line.key[0]: line.counts["shown"] for line in report(store, By.WEEK).lines}
    assert told == {"2026-06-08": 1, "2026-06-15": 2, "2026-06-22": 1}


def test_a_period_includes_its_first_and_its_last_day(store: Store) -> None:
    for day in (14, 15, 16, 17):
        answered(store, advised(store, day=date(2026, 6, day)), "accepted")
    period = Period(date(2026, 6, 15), date(2026, 6, 16))
    assert rows(report(store, By.DAY, period)) == [("2026-06-15",), ("2026-06-16",)]
    assert total(store, period=period)["accepted"] == 2
    assert report(store, period=period).calls == 2


def test_feedback_without_its_card_is_told(store: Store) -> None:
    (ident,) = advised(store)
    answered(store, [ident], "accepted")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE feedback SET card = NULL")
    assert (report(store).unmatched, total(store)["ignored"]) == (1, 1)


def test_nothing_on_record_is_a_report_too(store: Store) -> None:
    made = report(store, By.RULE, least=5)
    assert (made.lines, made.total.counts["findings"], made.total.median) == ((), 0, None)


def test_small_numbers_are_hidden_with_what_would_give_them_away(store: Store) -> None:
    answered(store, advised(store, 3, rule="nsaid-caution"), "accepted")
    answered(store, advised(store, 40, rule="nsaid-caution"), "overridden")
    answered(store, advised(store, 30, rule="eswt-caution"), "accepted")
    answered(store, advised(store, 50, rule="eswt-caution"), "overridden")
    made = report(store, By.RULE, least=5)
    told = {line.key[0]: made.flat(line) for line in made.lines}
    assert told["nsaid-caution"]["accepted"] == "<5"
    assert told["nsaid-caution"]["acceptedShare"] is None
    assert told["nsaid-caution"]["medianSecondsToAnswer"] is None
    assert told["eswt-caution"]["accepted"] == ">=5"
    assert made.flat(made.total)["accepted"] == 33


# --- the command ---


def run(store: Store, monkeypatch: pytest.MonkeyPatch, *words: str, least: int = 0) -> str:
    class Opened:
        def __enter__(self) -> Store:
            return store

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(reporting, "opened", Opened)
    monkeypatch.setenv("CDS_SERVICE_SMALL_NUMBERS", str(least))
    result = CliRunner().invoke(main, ["feedback", "report", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_format_tells_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(store, advised(store, 3, rule="nsaid-caution"), "accepted")
    answered(store, advised(store, 9, rule="eswt-caution"), "accepted")
    by_rule = ("--by", "rule", "--since", "2026-06-15", "--until", "2026-06-15")

    def told(shape: str) -> str:
        return run(store, monkeypatch, *by_rule, "--format", shape, least=5)

    assert date(2026, 6, 15) == DAY
    as_json = json.loads(told("json"))
    lines = [json.loads(line) for line in told("ndjson").splitlines()]
    table = list(csv.DictReader(io.StringIO(told("csv"))))
    for listed in (as_json["rows"], lines[:-1], table[:-1]):
        assert [(row["rule"], str(row["shown"])) for row in listed] == [
            ("eswt-caution", ">=5"),
            ("nsaid-caution", "<5"),
        ]
    for one in (as_json["total"], lines[-1], table[-1]):
        assert str(one["shown"]) == "12"
    text = told("table")
    for words in ("nsaid-caution", "<5", ">=5", "12", "Ignored: No feedback has come."):
        assert words in text


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@sum", "\t=x", "\r@x"])
def test_no_name_is_a_formula_to_a_spreadsheet(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    advised(store, client=name, tenant=name)
    text = run(store, monkeypatch, "--by", "client", "--format", "csv")
    first = next(csv.DictReader(io.StringIO(text, newline="")))
    assert first["client"] == first["tenant"] == "'" + name.replace("\t", " ").replace("\r", " ")


def test_what_a_client_is_called_does_not_steer_the_terminal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    advised(store, client="a\x1b[31mb")
    assert "\x1b" not in run(store, monkeypatch, "--by", "client")


def test_a_report_is_of_one_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when calls are put on record between two of its questions."""
    advised(store, 3)
    calls_made = analytics.calls_made

    def meanwhile(*given: Any) -> int:
        advised(store, 2)
        return calls_made(*given)

    monkeypatch.setattr(analytics, "calls_made", meanwhile)
    told = json.loads(run(store, monkeypatch, "--format", "json"))
    assert (told["calls"], told["total"]["findings"]) == (3, 3)


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--since", "2026-06-15", "--until", "2026-06-14"),
        ("export", "--since", "2026-06-15", "--until", "2026-06-14"),
        ("report", "--against-since", "2026-06-15"),
        ("report", "--shadow", "--against-since", "2026-06-15", "--against-until", "2026-06-14"),
    ],
)
def test_a_period_that_cannot_be_meant_is_refused(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["feedback", *words]).exit_code == 2


@pytest.mark.parametrize("value", ["1", "2", "-1", "101"])
def test_a_bound_that_hides_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CDS_SERVICE_SMALL_NUMBERS", value)
    result = CliRunner().invoke(main, ["feedback", "report"])
    assert result.exit_code == 2
    assert "CDS_SERVICE_SMALL_NUMBERS" in result.stderr


def test_what_the_version_before_has_written_counts_on_its_day(store: Store) -> None:
    advised(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE cards SET day = NULL")
    assert rows(report(store, By.DAY)) == [("2026-06-15",)]
    assert total(store, period=Period(DAY, DAY))["shown"] == 1
