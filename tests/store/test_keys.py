"""Keyed hashes and the files their keys are kept in."""

from __future__ import annotations

import hmac
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import SettingsError
from cds_service.store.keys import Keyring, keep_keys, new_line, read_keys

RING = Keyring("new", {"new": b"n" * 32, "old": b"o" * 32})
PARTS = st.lists(st.text(), max_size=4)


def written(path: Path, *lines: str, mode: int = 0o600) -> Path:
    path.write_text("\n".join(lines))
    path.chmod(mode)
    return path


@given(PARTS, PARTS)
def test_different_parts_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert (RING.digest("id", *one) == RING.digest("id", *other)) is (one == other)


@given(PARTS)
def test_hashes_are_of_the_parts_as_json_writes_them(parts: list[str]) -> None:
    """What older versions have hashed is found."""
    line = json.dumps(["id", *parts]).encode()
    assert RING.digest("id", *parts) == hmac.digest(b"n" * 32, line, "sha256").hex()


def test_a_hash_depends_on_purpose_and_key() -> None:
    hashes = {RING.digest("id", "a"), RING.digest("jti", "a"), RING.digest("id", "a", key="old")}
    assert len(hashes) == 3
    assert all(len(one) == 64 and one != "a" * 64 for one in hashes)


def test_what_an_older_key_hashed_is_found() -> None:
    assert RING.digest("id", "a", key="old") in RING.digests("id", "a")


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = keep_keys(tmp_path / "keys")
    assert keep_keys(tmp_path / "keys") == first
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600


def test_two_that_start_at_once_read_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(keep_keys, [tmp_path / "keys"] * 8))
    assert all(one == made[0] for one in made)


def test_the_first_key_is_the_current_one(tmp_path: Path) -> None:
    path = written(tmp_path / "keys", "# new in May", "b:" + "b" * 64, "", "a:" + "a" * 64)
    assert read_keys(path).current == "b"
    assert list(read_keys(path).keys) == ["b", "a"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no key"),
        (["a:" + "0" * 62], "line 1"),
        (["a:" + "0" * 65], "line 1"),
        (["a:" + "0" * 64, "b " + "0" * 64], "line 2"),
        (["a:" + "0" * 64, "a:" + "1" * 64], "twice"),
    ],
)
def test_a_faulty_file_is_named_without_its_content(
    tmp_path: Path, lines: list[str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        read_keys(written(tmp_path / "keys", *lines))
    assert "00000" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o620])
def test_a_file_everybody_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Or that others can change: their key would be ours."""
    with pytest.raises(SettingsError, match="others can read or change"):
        read_keys(written(tmp_path / "keys", new_line(), mode=mode))


def test_a_ring_does_not_show_its_keys() -> None:
    assert "nnnn" not in repr(RING)
