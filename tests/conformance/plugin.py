"""A pytest plugin: tests name the requirements of CDS Hooks that they verify.

@pytest.mark.requirement("2.0-52")   this test verifies the requirement
@pytest.mark.notices("2.0-52")       this test sees that a stub breaks the requirement

pytest --conformance=write   runs the tests so marked, and writes docs/conformance.md
pytest --conformance=check   runs nothing; fails when the page is stale or a row is bare
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tools.conformance import PAGE, Shown, faults, page, reasons, requirements

MARKERS = ("requirement", "notices")


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "write: run the tests that verify requirements and write their page; check: is it stale"
    parser.addoption("--conformance", choices=("write", "check"), help=words)


def pytest_configure(config: pytest.Config) -> None:
    if mode := config.getoption("--conformance"):
        config.pluginmanager.register(Report(mode), "conformance-report")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a marker that names no requirement, or none of the table."""
    for item in items:
        for marker in MARKERS:
            marks = list(item.iter_markers(marker))
            named = [identity for mark in marks for identity in mark.args]
            unknown = [identity for identity in named if identity not in requirements()]
            if unknown or any(not mark.args for mark in marks):
                told = ", ".join(map(str, unknown)) or "nothing"
                raise pytest.UsageError(f"{item.nodeid}: marker {marker} names {told}")


class Report:
    """Collects what is shown by which test, and writes or checks the page at the end."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.shown = Shown()
        self.node_ids: dict[str, list[str]] = {}  # name on the page -> tests it stands for
        self.passed: set[str] = set()
        self.complaints: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        marked = [item for item in items if any(map(item.get_closest_marker, MARKERS))]
        self.shown.tests = self._by_requirement("requirement", items)
        self.shown.stubs = self._by_requirement("notices", items)
        kept = marked if self.mode == "write" else []
        names = {item.nodeid for item in kept}
        config.hook.pytest_deselected(items=[one for one in items if one.nodeid not in names])
        items[:] = kept

    def _by_requirement(self, marker: str, items: list[pytest.Item]) -> dict[str, list[str]]:
        """Requirement id -> names of tests; one with parameters by its bare name if all count."""
        whole = Counter(_function(item.nodeid) for item in items)
        found: dict[str, dict[str, None]] = {}
        for identity, nodes in _marked(marker, items).items():
            here = Counter(map(_function, nodes))
            for node in nodes:
                bare = _function(node)
                name = bare if here[bare] == whole[bare] else node
                found.setdefault(identity, {})[name] = None
                self.node_ids.setdefault(name, []).append(node)
        return {identity: sorted(names) for identity, names in found.items()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self.passed.add(report.nodeid)
        elif not report.passed:
            self.passed.discard(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            return
        told = reasons()
        self.complaints = list(faults(self.shown, told))
        if self.mode == "write":
            names = (n for n, nodes in self.node_ids.items() if not self.passed.issuperset(nodes))
            self.shown.unpassed = frozenset(names)
            PAGE.write_text(page(self.shown, told), encoding="utf-8")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(self.shown, told):
            self.complaints.append(f"docs/{PAGE.name} is stale: run make conformance")
        if self.complaints:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self.mode == "check":
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for complaint in self.complaints:
            terminalreporter.line(complaint, red=True)


def _marked(marker: str, items: list[pytest.Item]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        for identity in dict.fromkeys(_arguments(item, marker)):
            found.setdefault(identity, []).append(item.nodeid)
    return found


def _arguments(item: pytest.Item, marker: str) -> Iterator[str]:
    for mark in item.iter_markers(marker):
        yield from mark.args


def _function(node_id: str) -> str:
    return node_id.partition("[")[0]
