"""The report itself: markers name real requirements, and no requirement is passed over."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.conformance.plugin import Report, pytest_collection_modifyitems
from tools.conformance import Shown, faults, page, reasons, requirements

STARRED = "2.0-83"
PLAIN = "2.0-6"
TEST = "tests/web/test_x.py::test_it"


def told() -> dict[str, tuple[str, str]]:
    """A reason for everything."""
    return dict.fromkeys(requirements(), ("not met", "Not built."))


def without(*identities: str) -> dict[str, tuple[str, str]]:
    return {name: why for name, why in told().items() if name not in identities}


def row(made: str, identity: str) -> str:
    return next(line for line in made.splitlines() if line.startswith(f"| [{identity}]"))


def item(nodeid: str, **marks: tuple[str, ...]) -> SimpleNamespace:
    made = {name: SimpleNamespace(args=args) for name, args in marks.items()}
    return SimpleNamespace(
        nodeid=nodeid,
        iter_markers=lambda name: [made[name]] if name in made else [],
        get_closest_marker=made.get,
    )


def test_there_are_151_requirements_30_of_them_starred() -> None:
    assert len(requirements()) == 151
    assert sum(one.starred for one in requirements().values()) == 30


@pytest.mark.parametrize("args", [("2.0-999",), (), ("2.0-83", 5)])
@pytest.mark.parametrize("marker", ["requirement", "notices"])
def test_a_marker_that_names_no_requirement_is_refused(marker: str, args: tuple[str, ...]) -> None:
    with pytest.raises(pytest.UsageError, match="test_it"):
        pytest_collection_modifyitems([item(TEST, **{marker: args})])


def test_a_marker_that_names_a_requirement_is_let_pass() -> None:
    pytest_collection_modifyitems([item(TEST, requirement=("2.0-83", "3.0-12"))])


def test_a_requirement_without_test_or_reason_is_a_fault() -> None:
    (fault,) = faults(Shown(), without(PLAIN))
    assert fault.startswith(f"{PLAIN} has neither")
    assert list(faults(Shown(tests={PLAIN: [TEST]}), without(PLAIN))) == []


def test_a_reason_must_say_something() -> None:
    assert list(faults(Shown(), told() | {PLAIN: ("not met", "")}))


def test_a_requirement_with_a_test_needs_no_excuse() -> None:
    (fault,) = faults(Shown(tests={PLAIN: [TEST]}), told())
    assert "take its reason out" in fault


def test_a_starred_requirement_needs_a_stub_that_is_noticed() -> None:
    (fault,) = faults(Shown(tests={STARRED: [TEST]}), without(STARRED))
    assert "stub" in fault
    both = Shown(tests={STARRED: [TEST]}, stubs={STARRED: [TEST]})
    assert list(faults(both, without(STARRED))) == []


def test_a_reason_for_what_is_no_requirement_is_a_fault() -> None:
    assert list(faults(Shown(), told() | {"2.0-999": ("not met", "x")}))


def test_the_page_says_of_each_requirement_what_became_of_it() -> None:
    shown = Shown(tests={STARRED: [TEST], PLAIN: [TEST]}, stubs={STARRED: [f"{TEST}[stub]"]})
    made = page(shown, without(STARRED, PLAIN) | {"2.0-2": ("not applicable", "No need.")})
    assert made.count("\n| [") == 151
    assert "| met | [`test_it`](../tests/web/test_x.py) |" in row(made, PLAIN)
    assert "fails against a stub: [`test_it[stub]`]" in row(made, STARRED)
    assert row(made, "2.0-2").endswith("| not applicable | No need. |")
    assert row(made, "2.0-3").endswith("| not met | Not built. |")


@pytest.mark.parametrize("unpassed", [TEST, f"{TEST}[stub]"])
def test_what_did_not_pass_is_not_met(unpassed: str) -> None:
    shown = Shown({STARRED: [TEST]}, {STARRED: [f"{TEST}[stub]"]}, frozenset({unpassed}))
    assert "| not met | did not pass:" in row(page(shown, without(STARRED)), STARRED)


def test_every_reason_on_file_is_a_sentence() -> None:
    for identity, (status, why) in reasons().items():
        assert status in ("not applicable", "not met"), identity
        assert why.endswith("."), identity


def test_a_test_is_named_without_parameters_when_all_of_them_count() -> None:
    items = [
        item("t.py::a[1]", requirement=("2.0-3",)),
        item("t.py::a[2]", requirement=("2.0-3",)),
        item("t.py::b[1]", requirement=("2.0-3", "2.0-4")),
        item("t.py::b[2]"),
    ]
    report = Report("write")
    config = SimpleNamespace(hook=SimpleNamespace(pytest_deselected=lambda items: None))
    report.pytest_collection_modifyitems(config, items)
    assert report.shown.tests == {"2.0-3": ["t.py::a", "t.py::b[1]"], "2.0-4": ["t.py::b[1]"]}
    assert [one.nodeid for one in items] == ["t.py::a[1]", "t.py::a[2]", "t.py::b[1]"]
