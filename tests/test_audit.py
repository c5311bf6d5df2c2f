"""`make audit` never passes in silence: answers as pip-audit writes them, and none at all."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import DATA, ROOT
from tools import audit

ANSWERS = DATA / "audit"


def writing(file: Path, *, code: int = 0) -> list[str]:
    """A command that writes this file, as pip-audit does."""
    script = f"import sys; print(open({str(file)!r}).read()); sys.exit({code})"
    return [sys.executable, "-c", script]


def failing(words: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; sys.exit({words!r})"]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of an audit, and what it printed; without ruff, which is tried below."""
    monkeypatch.setattr(audit, "RUFF", [sys.executable, "-c", ""])

    def run(command: list[str]) -> tuple[int, str]:
        return audit.main(command), capsys.readouterr().out

    return run


def test_all_asked_about_and_nothing_known_passes(told: object) -> None:
    code, words = told(writing(ANSWERS / "all-well.json"))
    assert code == 0
    assert words == "Asked about 2 dependencies; advisories on 0.\n"


def test_an_advisory_is_named_and_fails(told: object) -> None:
    code, words = told(writing(ANSWERS / "one-known.json", code=1))
    assert code == 1
    assert "KNOWN: jinja2 2.4.1: PYSEC-2014-8" in words


def test_an_audit_that_cannot_ask_never_passes(told: object) -> None:
    """pip-audit itself exits with 0, and says that no vulnerabilities are known."""
    code, words = told(writing(ANSWERS / "none-asked.json"))
    assert code == 3
    assert "NOT AUDITED: 2 dependencies" in words
    assert "Asked about 0 dependencies" in words


@pytest.mark.parametrize("words", ["ConnectionError: no route", "", "{}", "[]"])
def test_an_audit_whose_service_does_not_answer_never_passes(told: object, words: str) -> None:
    code, said = told(failing(words))
    assert code == 3
    assert "NOT AUDITED: the advisory service could not be asked" in said


def test_an_audit_without_pip_audit_never_passes(told: object) -> None:
    code, words = told([sys.executable, "-m", "pip_audit_that_is_not_there"])
    assert code == 3
    assert "NOT AUDITED" in words


def test_ruffs_security_rules_are_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In every check; and an audit fails on what they find."""
    chosen = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert "S" in chosen["lint"]["select"]
    faulty = tmp_path / "faulty.py"
    faulty.write_text('import subprocess\nsubprocess.call("ls " + input(), shell=True)\n')
    monkeypatch.setattr(audit, "RUFF", [*audit.RUFF[:-2], str(faulty)])
    assert audit.main(writing(ANSWERS / "all-well.json")) == 1


def test_the_code_passes_them() -> None:
    assert audit.main(writing(ANSWERS / "all-well.json")) == 0
