"""What all tests share: no network but loopback, servers on free ports, skips that count."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from cds_service.protocol.messages import violations
from tests.postgres import Postgres, new_cluster

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
pytest_plugins = ["tests.conformance.plugin", "tests.stores"]
REQUIRE_ALL = os.environ.get("CDS_TEST_REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Under CDS_TEST_REQUIRE_ALL=1 a skipped test is a failed one."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr[2]}"
    return report


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def answers_keep_to_cds_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer of the CDS endpoints that a test gets is checked, over HTTP or in process."""
    send, open_ = requests.Session.send, FlaskClient.open

    def sent(self: requests.Session, request: Any, **options: Any) -> requests.Response:
        answer = send(self, request, **options)
        if not options.get("stream"):
            check_answer(request.method, urlsplit(request.url).path, answer.status_code, answer)
        return answer

    def opened(self: FlaskClient, *args: Any, **options: Any) -> Any:
        answer = open_(self, *args, **options)
        check_answer(answer.request.method, answer.request.path, answer.status_code, answer)
        return answer

    monkeypatch.setattr(requests.Session, "send", sent)
    monkeypatch.setattr(FlaskClient, "open", opened)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The developer's own CDS_SERVICE_* settings and state folder change no test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.startswith("CDS_SERVICE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def no_minute_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates counted in this process: of the calls of a minute that has ended a few are let in."""
    began = time.time()
    still = SimpleNamespace(time=lambda: began, monotonic=time.monotonic)
    for module in ("limits.storage.memory", "limits.strategies", "cds_service.trust.rates"):
        monkeypatch.setattr(f"{module}.time", still)


def check_answer(method: str, path: str, status: int, answer: Any) -> None:
    """Fails when the answer of a CDS endpoint is not what its schema has."""
    if "/cds-services" not in path or path.rstrip("/").endswith("/feedback"):
        return
    kind = {("GET", 200): "discovery", ("POST", 200): "response"}.get((method, status))
    if kind is None and status >= 400 and method != "HEAD":
        kind = "outcome"
    if kind:
        body = answer.json() if callable(answer.json) else answer.json
        assert violations(kind, body) == [], f"{method} {path}: {status}"


@dataclass
class Running:
    """A server started as a user starts it. `metrics`: where these are, if not at `url`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    metrics: str = ""

    def stop(self) -> int:
        """Stops it as an operator does; the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts `cds-service <command>` on a free loopback port; stopped by process id.

    `{port}` in a value of the environment is that port, `{another}` one more.
    """
    started: list[Running] = []

    def run(
        command: str,
        *arguments: str,
        python: str = sys.executable,
        module: str = "cds_service",
        **environment: str,
    ) -> Running:
        port = _free_port()
        ports = {"{port}": str(port), "{another}": str(_free_port())}
        for word, number in ports.items():
            environment = {name: one.replace(word, number) for name, one in environment.items()}
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [python, "-m", module, command, "--port", str(port), *arguments],
                cwd=log.parent,
                stdout=out,
                stderr=out,
                env={
                    **_clean_environment(),
                    "XDG_STATE_HOME": str(log.parent / "state"),
                    **environment,
                },
            )
        scheme = "https" if "CDS_SERVICE_TLS_CERTIFICATE" in environment else "http"
        own = environment.get("CDS_SERVICE_METRICS", "")
        metrics = f"{scheme}://{own}" if ":" in own else ""
        server = Running(f"{scheme}://127.0.0.1:{port}", process, log, metrics)
        started.append(server)
        _wait_for(server)
        return server

    yield run
    _end(started)


def _end(servers: Sequence[Running]) -> None:
    running = [one.process for one in servers if one.process.poll() is None]
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that all tests of this run share; each takes a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))  # a short path: sockets need one
    cluster = new_cluster(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo_server(start: Start) -> Running:
    """`cds-service demo`."""
    return start("demo")


def _clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("CDS_SERVICE_")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wait_for(server: Running) -> None:
    for _ in range(200):
        if server.process.poll() is not None:
            pytest.fail(f"the server stopped: {server.log.read_text()}")
        try:
            requests.get(f"{server.url}/health", timeout=5)
        except requests.exceptions.SSLError:  # it answers; the test brings the authority
            return
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the server does not answer: {server.log.read_text()}")
