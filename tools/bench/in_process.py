"""A call of an application as gunicorn makes it, but in this process and without HTTP."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from tools.bench.bodies import body
from tools.bench.measure import SERVICE, marked


def caller(app: Any, size: int, relevant: int) -> Callable[[], None]:
    """Makes one call of `app` (WSGI), and raises RuntimeError when it is not answered with 200."""

    def call() -> None:
        data = marked(body(size, relevant))
        statuses: list[str] = []
        answer = app(_environ(data), lambda status, _headers: statuses.append(status))
        b"".join(answer)
        answer.close()
        if statuses != ["200 OK"]:
            raise RuntimeError(f"answered {statuses}")

    return call


def _environ(data: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/cds-services/{SERVICE}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(data)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
