"""A real Redis of the tests' own, on a free loopback port, stopped by its process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest


class RedisServer:
    """Debian's redis-server; `stop`, `start` and `hang` as an operator fears them."""

    def __init__(self, program: str, folder: Path, options: Sequence[str] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        port = (
            ["--port", "0", "--tls-port", str(self.port)] if options else ["--port", str(self.port)]
        )
        self._words = [program, *port, "--bind", "127.0.0.1", "--save", "", *options]
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._words, "--dir", str(self._folder)], stdout=log, stderr=log
            )
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail(f"Redis does not answer: {(self._folder / 'log').read_text()}")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process = None


def new_redis(folder: Path, *options: str) -> RedisServer:
    """A running server, with `options` over TLS; skips the test when it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is missing (on Debian: apt-get install redis-server)")
    return RedisServer(program, folder, options)
