from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import SettingsError
from cds_service.trust import jwks as jwks_address
from cds_service.trust import keys as trust_keys
from cds_service.trust.jwks import fetcher
from cds_service.trust.keys import (
    WAITERS,
    FileKeys,
    Held,
    KeysUnavailable,
    RemoteKeys,
    parse_jwks,
    pick,
)
from cds_service.web.log import JsonLines
from tests.trust.signing import Key, jwks, key_server

A, B = Key("a"), Key("b")


class Address:
    """A JWKS address and a clock in one."""

    def __init__(self) -> None:
        self.keys: list[Key] | None = [A]
        self.asked = 0
        self.time = 1000.0

    def fetch(self) -> bytes:
        self.asked += 1
        if self.keys is None:
            raise KeysUnavailable("down")
        return jwks(*self.keys)


@pytest.fixture
def address() -> Address:
    return Address()


@pytest.fixture
def keys(address: Address) -> RemoteKeys:
    return RemoteKeys(
        "https://x.example", address.fetch, ttl=600, stale=3600, now=lambda: address.time
    )


def test_keys_are_fetched_once_and_kept(keys: RemoteKeys, address: Address) -> None:
    assert keys.find("a", "ES384") is not None
    assert keys.find("a", "ES384") is not None
    assert address.asked == 1


def test_a_withdrawn_key_serves_no_longer_than_the_time_to_live(
    keys: RemoteKeys, address: Address
) -> None:
    assert keys.find("a", "ES384")
    address.keys = [B]
    address.time += 599
    assert keys.find("a", "ES384")
    address.time += 1
    assert keys.find("a", "ES384") is None


def test_a_new_key_is_found_at_once(keys: RemoteKeys, address: Address) -> None:
    assert keys.find("a", "ES384")
    address.time += 2
    address.keys = [A, B]
    assert keys.find("b", "ES384")
    assert address.asked == 2


def test_invented_key_ids_make_us_fetch_once_in_a_while_only(
    keys: RemoteKeys, address: Address
) -> None:
    for n in range(100):
        assert keys.find(f"invented-{n}", "ES384") is None
        address.time += 1
    assert address.asked <= 1 + 100 // 30 + 1


def test_while_the_address_is_down_the_last_keys_serve_for_a_bounded_time(
    keys: RemoteKeys, address: Address
) -> None:
    assert keys.find("a", "ES384")
    address.keys = None
    address.time += 4199
    assert keys.find("a", "ES384")
    address.time += 1
    with pytest.raises(KeysUnavailable):
        keys.find("a", "ES384")


def test_an_address_that_is_down_is_left_alone_for_a_while(
    keys: RemoteKeys, address: Address
) -> None:
    address.keys = None
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            keys.find("a", "ES384")
    assert address.asked == 1
    address.keys = [A]
    address.time += 30
    assert keys.find("a", "ES384")


class Hanging(Address):
    """Answers no sooner than told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    def fetch(self) -> bytes:
        assert self.go.wait(30)
        return super().fetch()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    for name in ("WAIT", "FIRST"):
        monkeypatch.setattr(trust_keys, name, 0.05)
    made = Hanging()
    yield made
    made.go.set()


def of(address: Hanging) -> RemoteKeys:
    return RemoteKeys(
        "https://x.example", address.fetch, ttl=600, stale=60, now=lambda: address.time
    )


def test_while_a_slow_address_is_asked_the_keys_held_serve(hanging: Hanging) -> None:
    keys = of(hanging)
    assert settled(keys) is Held.CURRENT
    hanging.time += 600
    hanging.go.clear()
    assert all(keys.find("a", "ES384") for _ in range(50))
    assert hanging.asked == 1  # the second is under way still


def test_a_slow_address_holds_nobody_up_who_has_no_key_yet(hanging: Hanging) -> None:
    keys = of(hanging)
    hanging.go.clear()
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            keys.find("a", "ES384")
    assert hanging.asked == 0
    hanging.go.set()
    assert settled(keys) is Held.CURRENT
    assert keys.find("a", "ES384")


def test_few_wait_for_a_key_that_may_be_new_and_only_a_moment(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust_keys, "WAIT", 30.0)
    inside = threading.Semaphore(0)

    class Noted(threading.BoundedSemaphore):
        def acquire(self, *given: Any, **more: Any) -> bool:
            taken = super().acquire(*given, **more)
            if taken:
                inside.release()
            return taken

    keys = of(hanging)
    assert settled(keys) is Held.CURRENT
    keys._waiters = Noted(2)
    hanging.time += 2
    hanging.keys = [A, B]
    hanging.go.clear()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(keys.find, "b", "ES384") for _ in range(2)]
        assert all(inside.acquire(timeout=30) for _ in waiting)
        for _ in range(20):  # the others are answered though nothing came
            assert keys.find("b", "ES384") is None
            assert keys.find("a", "ES384")
        hanging.go.set()
        assert all(one.result() for one in waiting)
    assert hanging.asked == 2


def test_all_wait_for_the_first_keys(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them each would be refused, though the keys can be had."""
    monkeypatch.setattr(trust_keys, "FIRST", 30.0)
    inside, callers = threading.Semaphore(0), 2 * WAITERS

    class Noted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            inside.release()
            return super().wait(timeout)

    keys = of(hanging)
    hanging.go.clear()
    assert keys.state() is Held.NONE
    keys._under_way = Noted()
    with ThreadPoolExecutor(callers) as pool:
        waiting = [pool.submit(keys.find, "a", "ES384") for _ in range(callers)]
        assert all(inside.acquire(timeout=30) for _ in waiting)
        hanging.go.set()
        assert all(one.result() for one in waiting)
    assert hanging.asked == 1


def test_whatever_goes_wrong_is_told_and_the_address_left_alone_for_a_while(
    address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> bytes:
        address.fetch()
        raise ZeroDivisionError("secret")

    keys = RemoteKeys("https://x.example", fail, ttl=1, stale=1, now=lambda: address.time)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            keys.find("a", "ES384")
    assert address.asked == 1
    (record,) = [one for one in caplog.records if one.message == "keys not fetched"]
    line = JsonLines().format(record)
    assert "ZeroDivisionError" in line
    assert "secret" not in line


def test_where_no_thread_can_be_had_it_is_tried_again(
    keys: RemoteKeys, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        with pytest.raises(KeysUnavailable):
            keys.find("a", "ES384")
    assert keys.find("a", "ES384")
    assert address.asked == 1


def test_a_failure_names_the_client(address: Address, caplog: pytest.LogCaptureFixture) -> None:
    address.keys = None
    keys = RemoteKeys("https://x.example", address.fetch, ttl=1, stale=1, client="north")
    with caplog.at_level(logging.WARNING), pytest.raises(KeysUnavailable):
        keys.find("a", "ES384")
    (record,) = [one for one in caplog.records if one.message == "keys not fetched"]
    assert json.loads(JsonLines().format(record))["client"] == "north"


def settled(keys: RemoteKeys) -> Held:
    """How they stand when what was begun is done."""
    keys.state()
    for thread in threading.enumerate():
        if thread.name == "jwks":
            thread.join(10)
    return keys.state()


def test_whoever_asks_how_keys_stand_makes_them_be_fetched_when_due(
    keys: RemoteKeys, address: Address
) -> None:
    assert keys.state() in (Held.NONE, Held.CURRENT)  # not waited for
    for _ in range(20):
        assert settled(keys) is Held.CURRENT
    assert address.asked == 1
    address.time += 600
    assert settled(keys) is Held.CURRENT
    assert address.asked == 2


def test_keys_that_cannot_be_renewed_are_stale_and_then_none(
    keys: RemoteKeys, address: Address
) -> None:
    assert settled(keys) is Held.CURRENT
    address.keys = None
    address.time += 600
    for _ in range(20):
        assert settled(keys) is Held.STALE
    assert address.asked == 2
    address.time += 3600
    assert settled(keys) is Held.NONE
    address.keys = [A]
    address.time += 30
    assert settled(keys) is Held.CURRENT


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [' + b"{}," * 100 + b"{}]}"]
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        parse_jwks(data)


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"d": "c2VjcmV0"},
        {"kid": None},
        {"kid": 7},
    ],
    ids=str,
)
def test_only_public_signature_keys_with_an_id_are_kept(changed: dict[str, Any]) -> None:
    assert parse_jwks(json.dumps({"keys": [A.public | changed]}).encode()) == {}


def test_a_key_serves_the_algorithm_it_fits_and_no_other() -> None:
    rsa = Key("r", "RS384")
    keys = parse_jwks(jwks(A, rsa))
    assert pick(keys, "a", "ES384")
    assert pick(keys, "r", "RS384")
    for kid, algorithm in [("a", "ES256"), ("a", "RS384"), ("r", "PS384"), ("r", "ES384")]:
        assert pick(keys, kid, algorithm) is None


def test_a_short_rsa_key_is_not_used() -> None:
    short = {**Key("r", "RS384").public, "n": "u" * 171}
    assert pick({"r": [short]}, "r", "RS384") is None


def test_a_point_that_is_not_on_the_curve_is_not_used() -> None:
    wrong = A.public | {"x": A.public["y"]}
    assert pick({"a": [wrong]}, "a", "ES384") is None


def test_a_file_of_keys_is_checked_when_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(jwks(A))
    assert FileKeys(file).find("a", "ES384")
    assert FileKeys(file).find("b", "ES384") is None
    file.write_text('{"keys": []}')
    with pytest.raises(SettingsError, match="holds no public signature key"):
        FileKeys(file)
    file.write_text("keys")
    with pytest.raises(SettingsError, match="is no JWK Set"):
        FileKeys(file)


@pytest.mark.slow
def test_keys_come_over_tls_from_a_server_that_the_authority_vouches_for(tmp_path: Path) -> None:
    with key_server(tmp_path) as server:
        server.body = jwks(A)
        assert "a" in parse_jwks(fetcher(server.url, private=True, ca_file=tmp_path / "ca.pem")())
        with pytest.raises(KeysUnavailable):
            fetcher(server.url, private=True)()


@pytest.mark.slow
def test_no_redirect_is_followed_and_no_flood_is_read(tmp_path: Path) -> None:
    with key_server(tmp_path) as server:
        fetch = fetcher(server.url, private=True, ca_file=tmp_path / "ca.pem")
        server.status, server.headers = 302, {"Location": server.url}
        with pytest.raises(KeysUnavailable, match="status 302"):
            fetch()
        assert server.asked == 1
        server.status, server.headers, server.body = 200, {}, b" " * 300_000
        with pytest.raises(KeysUnavailable, match="more than"):
            fetch()


# --- where keys are fetched from ---


def resolver(*addresses: str) -> Any:
    """Gives these addresses at the first look-up, and another machine's ever after."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        found = addresses if not asked else ("203.0.113.9",)
        asked.append(host)
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
        return [
            (family, socket.SOCK_STREAM, 6, "", (one, port))
            for family, one in zip(families, found, strict=True)
        ]

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.7"],
        ["192.168.1.7"],
        ["fd00::7"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["203.0.113.9", "10.0.0.7"],
    ],
    ids=str,
)
def test_attack_a_key_address_that_leads_inside(addresses: list[str]) -> None:
    fetch = fetcher("https://keys.example/jwks.json", resolve=resolver(*addresses))
    with pytest.raises(KeysUnavailable, match="may not be called"):
        fetch()


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "100.100.100.200"])
def test_attack_a_private_key_address_that_leads_to_the_machines_credentials(address: str) -> None:
    fetch = fetcher("https://keys.example/k", private=True, resolve=resolver(address))
    with pytest.raises(KeysUnavailable, match="may not be called"):
        fetch()


@pytest.mark.slow
def test_attack_a_name_that_changes_its_mind_after_the_check(tmp_path: Path) -> None:
    with key_server(tmp_path) as server:
        server.body, resolve = jwks(A), resolver("127.0.0.1")
        fetch = fetcher(server.url, private=True, ca_file=tmp_path / "ca.pem", resolve=resolve)
        assert "a" in parse_jwks(fetch())
        assert resolve.asked == ["localhost"]  # looked up once: what was checked is connected to


@pytest.mark.slow
def test_a_key_server_on_this_machine_must_be_registered_as_such(tmp_path: Path) -> None:
    with key_server(tmp_path) as server:
        server.body = jwks(A)
        with pytest.raises(KeysUnavailable, match="may not be called"):
            fetcher(server.url, ca_file=tmp_path / "ca.pem")()
        assert server.asked == 0


@pytest.mark.slow
def test_a_key_server_that_drips_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_address, "WHOLE", 1.0)
    with key_server(tmp_path) as server:
        server.body, server.drip = jwks(A), 0.2
        fetch = fetcher(server.url, private=True, ca_file=tmp_path / "ca.pem")
        with pytest.raises(KeysUnavailable, match="too long"):
            fetch()


@pytest.mark.slow
def test_a_key_server_that_hangs_up_in_the_middle_is_no_fault_of_ours(tmp_path: Path) -> None:
    with key_server(tmp_path) as server:
        server.body, server.headers = b'{"keys": [', {"Content-Length": "1000"}
        with pytest.raises(KeysUnavailable):
            fetcher(server.url, private=True, ca_file=tmp_path / "ca.pem")()


def test_a_name_that_is_never_resolved_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_address, "WHOLE", 0.5)
    over = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        over.wait(60)
        return []

    with pytest.raises(KeysUnavailable, match="too long"):
        fetcher("https://keys.example/k", resolve=hang)()
    assert not over.is_set()  # it is still being resolved
    over.set()


def test_keys_that_are_said_twice_are_refused() -> None:
    with pytest.raises(KeysUnavailable, match="is no JWK Set"):
        parse_jwks(b'{"keys": [], "keys": [' + json.dumps(A.public).encode() + b"]}")
