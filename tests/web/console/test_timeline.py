"""The drawing: well-formed, safe, and telling everything without colour."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.case import Case
from cds_service.patient.when import When
from cds_service.web.console import shapes
from cds_service.web.console.lanes import picture
from cds_service.web.console.picture import Frame, Line, Mark, Point
from cds_service.web.console.scale import Scale, rows_of
from cds_service.web.console.timeline import draw
from tests.strategies import SITE, ago, chart, injection, judge, pht
from tests.web.console.conftest import CASES

CaseOf = Callable[[str], Case]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(case: Case, anchors: dict[str, str] | None = None) -> list[ET.Element]:
    shown = picture(case)
    return [ET.fromstring(draw(shown, side, anchors or {})) for side in shown.sides]


def titles(svg: ET.Element) -> list[str]:
    return [str(title.text) for title in svg.iter(f"{SVG}title")]


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"unreadable"}))
def test_the_drawing_is_well_formed_and_has_no_inline_style_or_script(
    name: str, case_of: CaseOf
) -> None:
    for svg in drawn(case_of(name)):
        for element in svg.iter():
            assert element.get("style") is None
            assert not [key for key in element.keys() if key.startswith("on")]  # noqa: SIM118
            assert element.tag != f"{SVG}script"


def test_every_part_that_can_be_reached_says_what_it_is(case_of: CaseOf) -> None:
    (svg,) = drawn(case_of("steroid-overuse"))
    reached = [e for e in svg.iter() if e.get("tabindex") or e.tag == f"{SVG}a"]
    assert len(reached) > 8
    assert all(element.find(f"{SVG}title") is not None for element in reached)


def test_a_mark_tells_date_words_records_and_the_limit(case_of: CaseOf) -> None:
    (svg,) = drawn(case_of("steroid-overuse"))
    (last,) = [title for title in titles(svg) if "beyond the limit" in title]
    assert last.startswith("2026-03-09: triamcinolone (")
    assert "Procedure/steroid-overuse-injection-4" in last


def test_a_mark_leads_to_its_record_where_the_page_shows_it(case_of: CaseOf) -> None:
    reference = "MedicationAdministration/steroid-overuse-injection-1-drug"
    (svg,) = drawn(case_of("steroid-overuse"), {reference: "record-7"})
    links = [e.get("href") for e in svg.iter(f"{SVG}a")]
    assert links == ["#record-7"]


def test_a_band_can_be_reached_and_says_its_days() -> None:
    decision = judge(chart(pht(), injection("i", "2026-06-01")), site=SITE)
    assert decision.case
    (svg,) = drawn(decision.case)
    bands = [e for e in svg.iter() if any("tl-band" in c.get("class", "") for c in e)]
    assert [band.get("tabindex") for band in bands] == ["0", "0"]
    assert str(bands[0].findtext(f"{SVG}title")).startswith("2026-06-01 to 2026-06-28: less than")


def test_what_is_planned_is_dotted_also_when_its_date_is_imprecise() -> None:
    scale = Scale(Frame(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 15))
    july = When(date(2026, 7, 1), date(2026, 7, 31))
    looks = [
        next(shapes.mark(Mark(words="x", when=july, **more), 0, scale)).args["stroke-dasharray"]
        for more in ({"planned": True}, {"doubts": ("x",)})
    ]
    assert looks == ["1.5 2.5", "4 3"]


def test_an_imprecise_score_has_a_colour_for_the_dark() -> None:
    point = Point(words="x", when=When(date(2026, 5, 1), date(2026, 5, 31)), value=5, share=0.5)
    scale = Scale(Frame(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 15))
    (group,) = shapes.line(Line("VISA-H", "", (point,)), 1, (0, 40), scale, {})
    (wide,) = [part for part in group.children if part.TAG_NAME == "path"]
    assert wide.args["class"] == "tl-score-1"


def test_text_of_a_record_stays_text() -> None:
    nasty = '"><script>alert(1)</script><a href="x" onload=\'y\'>&'
    record = injection("i", ago(9), "left", code=None, medication=None)
    record["code"] = {**injection("j", None)["code"], "text": nasty}
    decision = judge(chart(pht(code={**pht()["code"], "text": nasty}), record), site=SITE)
    assert decision.case
    (svg,) = drawn(decision.case)
    assert not list(svg.iter(f"{SVG}script"))
    assert not [e for e in svg.iter() if "onload" in e.keys()]  # noqa: SIM118


def test_an_id_that_is_no_id_stays_text() -> None:
    decision = judge(chart(pht(), injection('i"><b>', ago(9))), site=SITE)
    assert decision.case
    (svg,) = drawn(decision.case)
    assert not list(svg.iter(f"{SVG}b"))


def test_today_and_the_days_ahead_are_told_with_their_dates(case_of: CaseOf) -> None:
    (svg,) = drawn(case_of("week-6"))
    told = titles(svg)
    assert "today, 2026-06-15" in told
    assert any(one.startswith("day 56, ") and "step-up" in one for one in told)


def test_a_number_the_site_has_set_is_marked() -> None:
    site = replace(SITE, parameters={"surgery-consider-days": 100})
    from tests.strategies import loading

    decision = judge(chart(pht(), loading("l", since=30)), site=site)
    assert decision.case
    (svg,) = drawn(decision.case)
    assert any(one.startswith("day 100 (set by this site)") for one in titles(svg))


def mark(day: date) -> Mark:
    return Mark(words="x", when=When.on(day))


def test_marks_that_would_hide_each_other_stand_in_rows() -> None:
    scale = Scale(Frame(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 15))
    near = [mark(date(2026, 3, 1)), mark(date(2026, 3, 2)), mark(date(2026, 9, 1))]
    assert [len(row) for row in rows_of(near, scale)] == [2, 1]


def test_a_day_outside_the_frame_is_kept_at_its_edge() -> None:
    scale = Scale(Frame(date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 15))
    assert scale.x(date(1999, 1, 1)) == scale.x(date(2026, 1, 1))
    assert scale.x(date(2030, 1, 1)) == scale.x(date(2026, 12, 31))
