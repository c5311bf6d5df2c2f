"""The file of those who may log in."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.security import generate_password_hash

from cds_service.cli import main
from cds_service.errors import SettingsError, Unavailable
from cds_service.trust.operators import Operators, keep, new_line, read_operators
from tests.operators import OTHER, PASSWORD, line, operators_file


def test_an_operator_is_proved_by_the_password_alone(tmp_path: Path) -> None:
    operators = Operators(operators_file(tmp_path, "# those on call", line("ada"), ""))
    hashed = line("ada").partition(":")[2]
    assert operators.proves("ada", PASSWORD) == hashed
    assert operators.proves("ada", PASSWORD + " ") is None
    assert operators.proves("ada", "") is None
    assert operators.proves("bob", PASSWORD) is None
    assert operators.proves("", "") is None


def test_keyboards_that_spell_a_letter_in_two_ways_both_serve(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9 au lait sucr\u00e9", "cafe\u0301 au lait sucre\u0301"
    operators = Operators(operators_file(tmp_path, new_line("ada", composed)))
    assert operators.proves("ada", decomposed)


def test_a_changed_file_is_in_force_at_once(tmp_path: Path) -> None:
    path = operators_file(tmp_path)
    operators = Operators(path)
    assert operators.line_of("ada")
    keep(path, "ada", line("ada", OTHER))
    assert operators.proves("ada", PASSWORD) is None
    assert operators.proves("ada", OTHER)
    keep(path, "ada", None)
    assert operators.line_of("ada") is None


def test_while_the_file_is_faulty_nobody_is_let_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = operators_file(tmp_path)
    operators = Operators(path)
    assert operators.proves("ada", PASSWORD)
    path.write_text("nonsense\n")
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable, match="Nobody"):
        operators.proves("ada", PASSWORD)
    assert "nonsense" not in caplog.text
    path.unlink()
    with pytest.raises(Unavailable):
        operators.line_of("ada")
    operators_file(tmp_path)
    assert operators.proves("ada", PASSWORD)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o602, 0o660])
def test_a_file_that_others_read_or_change_is_not_used(tmp_path: Path, mode: int) -> None:
    path = operators_file(tmp_path)
    path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod g-w,o-rw"):
        read_operators(path)


def test_a_group_may_read_it_as_secrets_are_mounted(tmp_path: Path) -> None:
    path = operators_file(tmp_path)
    path.chmod(0o440)
    assert list(read_operators(path)) == ["ada"]


WEAK = generate_password_hash(PASSWORD, "scrypt:16384:8:1")


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["ada"], "line 1: make such lines"),
        (["ada:" + PASSWORD], "line 1: make such lines"),
        (["ada:" + generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")], "make such lines"),
        (["ada:" + WEAK], "too weak"),
        (["# two", line("ada"), line("ada", OTHER)], "line 3: this name is there twice"),
        (["a b" + line("ada")[3:]], "make such lines"),
    ],
)
def test_a_faulty_line_is_named_and_not_quoted(
    tmp_path: Path, lines: list[str], fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault) as told:
        read_operators(operators_file(tmp_path, *lines))
    assert PASSWORD not in str(told.value)
    assert "scrypt" not in str(told.value)


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_operators(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "password", "fault"),
    [
        ("ada", "fourteen chars", "15 to 256"),
        ("ada", "x" * 257, "15 to 256"),
        ("a:b", PASSWORD, "A name is"),
        ("-", PASSWORD, "A name is"),
        ("", PASSWORD, "A name is"),
    ],
)
def test_names_and_passwords_that_will_not_do(name: str, password: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        new_line(name, password)


# --- the commands ---


def ask(*arguments: str, told: str = "", file: Path | None = None) -> tuple[int, str]:
    environment = {"CDS_SERVICE_OPERATORS": str(file) if file else None}
    ended = CliRunner().invoke(main, ["operator", *arguments], input=told, env=environment)
    return ended.exit_code, ended.output


def test_operators_are_added_changed_listed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "operators"
    twice = f"{PASSWORD}\n{PASSWORD}\n"
    assert ask("add", "ada", told=twice, file=path)[0] == 0
    assert ask("add", "bob", told=twice, file=path)[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert ask("list", file=path) == (0, "ada\nbob\n")
    code, said = ask("add", "ada", told=f"{OTHER}\n{OTHER}\n", file=path)
    assert (code, "ada has a new password." in said) == (0, True)
    assert PASSWORD not in said + path.read_text()
    operators = Operators(path)
    assert operators.proves("ada", OTHER)
    assert operators.proves("bob", PASSWORD)
    assert ask("remove", "bob", file=path) == (0, "bob may no longer log in.\n")
    assert ask("list", file=path) == (0, "ada\n")
    assert ask("remove", "bob", file=path)[0] == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to others")
def test_the_file_stays_with_those_who_read_it(tmp_path: Path) -> None:
    """The service runs as a user of its own, who may read by the group."""
    path = operators_file(tmp_path)
    os.chown(path, 12345, 23456)
    path.chmod(0o640)
    keep(path, "bob", line("bob"))
    told = path.stat()
    assert (told.st_uid, told.st_gid, told.st_mode & 0o777) == (12345, 23456, 0o640)
    assert list(read_operators(path)) == ["ada", "bob"]


def test_a_file_that_cannot_stay_with_its_owner_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = operators_file(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(SettingsError, match="cannot be written"):
        keep(path, "bob", line("bob"))
    assert list(read_operators(path)) == ["ada"]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_remarks_stay_where_they_are(tmp_path: Path) -> None:
    path = operators_file(tmp_path, "# on call", line("ada"), line("bob"))
    keep(path, "ada", None)
    assert path.read_text().splitlines() == ["# on call", line("bob")]


def test_a_line_can_be_printed_for_a_file_kept_elsewhere() -> None:
    code, said = ask("add", "ada", "--print", told=f"{PASSWORD}\n{PASSWORD}\n")
    assert code == 0
    assert said.splitlines()[-1].startswith("ada:scrypt:")


def test_without_a_file_the_setting_is_named() -> None:
    for arguments in (("add", "ada"), ("remove", "ada"), ("list",)):
        code, said = ask(*arguments)
        assert code == 2
        assert "CDS_SERVICE_OPERATORS" in said


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    code, said = ask("add", "ada", told="short\nshort\n", file=tmp_path / "operators")
    assert code == 2
    assert "15 to 256" in said
    assert not (tmp_path / "operators").exists()
