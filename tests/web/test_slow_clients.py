"""Clients that take their time, and more calls than can be worked on. Real HTTP, real gunicorn."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import ROOT, Running, Start

pytestmark = pytest.mark.slow

PATH = "/cds-services/fake"
CALL = {
    "hook": "patient-view",
    "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
    "context": {"patientId": "rosa", "userId": "Practitioner/1"},
}
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
THREADS = 8


@pytest.fixture(scope="module")
def slow(start: Start) -> Callable[..., Running]:
    def run(seconds: float, **settings: str) -> Running:
        small = {
            "CDS_SERVICE_WORKERS": "1",
            "CDS_SERVICE_THREADS": str(THREADS),
            "CDS_SERVICE_IN_FLIGHT": "2",
        }
        return start(
            str(seconds),
            module="tests.web.slow_server",
            PYTHONPATH=str(ROOT),
            **(small | settings),
        )

    return run


@pytest.fixture(scope="module")
def patient(slow: Callable[..., Running]) -> Running:
    """Would wait ten minutes for a client: here only the lack of threads cuts one off."""
    return slow(0, CDS_SERVICE_PATIENCE="300")


@pytest.fixture(scope="module")
def impatient(slow: Callable[..., Running]) -> Running:
    return slow(0, CDS_SERVICE_PATIENCE="1")


def connected(running: Running) -> socket.socket:
    address = urlsplit(running.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def everything(connection: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.fixture
def dripping() -> Iterator[Callable[..., None]]:
    """Opens connections that send `opening`, then one byte after the other, until the test ends."""
    over = threading.Event()
    with ExitStack() as stack:

        def drip(running: Running, number: int, opening: bytes) -> None:
            connections = [stack.enter_context(connected(running)) for _ in range(number)]
            for connection in connections:
                with suppress(BrokenPipeError, ConnectionResetError):  # cut off for a later one
                    connection.sendall(opening)

            def feed() -> None:
                while not over.wait(0.1):
                    for connection in connections:
                        with suppress(OSError):
                            connection.sendall(b"x")

            feeder = threading.Thread(target=feed)
            feeder.start()
            stack.callback(feeder.join)

        yield drip
        over.set()


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"GET /health HTTP/1.1\r\nX-Slow: ",
        HEAD + b"Content-Length: 5000\r\n\r\n",
        b"not HTTP\r\n\r\n",
        b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
    ids=["silent", "headers", "bodies", "never closes after an error", "never closes"],
)
def test_more_dripping_clients_than_threads_hold_up_no_health_check(
    patient: Running, dripping: Callable[..., None], opening: bytes
) -> None:
    dripping(patient, 5 * THREADS, opening)
    for _ in range(5):
        assert requests.get(patient.url + "/health", timeout=10).status_code == 200
    assert requests.post(patient.url + PATH, json=CALL, timeout=10).status_code == 200


def test_a_body_that_drips_is_408_in_the_end(impatient: Running) -> None:
    with connected(impatient) as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n{")
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert json.loads(body)["issue"][0]["code"] == "timeout"


def test_a_chunked_body_that_stops_is_408_too(impatient: Running) -> None:
    with connected(impatient) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")
        assert everything(connection).startswith(b"HTTP/1.1 408")


def test_headers_that_drip_are_cut_off(impatient: Running) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: 1")
        assert everything(connection) == b""


def test_a_body_shorter_than_announced_is_400(impatient: Running) -> None:
    with connected(impatient) as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"as announced" in answer


def test_clients_that_do_not_take_their_answers_hold_up_no_health_check(patient: Running) -> None:
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(2 * THREADS):
            connection = stack.enter_context(connected(patient))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(ask * 200)  # the answers fill all buffers: the server waits
        time.sleep(4)
        assert requests.get(patient.url + "/health", timeout=10).status_code == 200


def test_calls_beyond_those_worked_on_and_waiting_get_503(slow: Callable[..., Running]) -> None:
    running = slow(1.5)

    def call(_: int) -> requests.Response:
        return requests.post(running.url + PATH, json=CALL, timeout=30)

    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(call, range(6))
        health = requests.get(running.url + "/health", timeout=10)
        told = sorted(answers, key=lambda answer: answer.status_code)
    assert health.status_code == 200
    assert [answer.status_code for answer in told] == [200] * 2 + [503] * 4
    assert told[-1].headers["Retry-After"] == "1"
    assert told[-1].json()["issue"][0]["code"] == "throttled"
    assert call(0).status_code == 200


def test_a_call_waits_a_moment_for_its_place(slow: Callable[..., Running]) -> None:
    running = slow(0.2)

    def call(_: int) -> int:
        return requests.post(running.url + PATH, json=CALL, timeout=30).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [200] * 4


def test_a_call_under_way_is_answered_when_the_server_stops(slow: Callable[..., Running]) -> None:
    running = slow(1)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(requests.post, running.url + PATH, json=CALL, timeout=30)
        time.sleep(0.5)
        running.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
    assert running.process.wait(timeout=25) == 0
