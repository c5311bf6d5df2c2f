"""A server in which the steps of each call are timed where they happen.

    python -m tools.bench.timed FOLDER MODULE ARGUMENTS

MODULE's `main` starts the server as ever. Each of its processes appends a record for each call to
a file of its own in FOLDER: nothing is kept in memory, nothing is sent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import thread_time
from typing import Any

from cds_service.web.worker import Worker
from tools.bench import places
from tools.bench.records import Written
from tools.bench.stopwatch import Call, Step


def install(folder: Path) -> None:
    """Wraps the steps and the worker, for all calls of this process and those forked from it."""
    for owner, name, function in places.wrapped():
        setattr(owner, name, function)
    for name, wrap in (
        ("enqueue_req", _seen),
        ("handle", _taken_up),
        ("finish_request", _done(Written(folder))),
    ):
        setattr(Worker, name, wrap(getattr(Worker, name)))


def _seen(function: Callable[..., Any]) -> Callable[..., Any]:
    def enqueue_req(worker: Any, conn: Any) -> Any:
        conn.call = Call()
        return function(worker, conn)

    return enqueue_req


def _taken_up(function: Callable[..., Any]) -> Callable[..., Any]:
    def handle(worker: Any, conn: Any) -> Any:
        call: Call = conn.call
        call.taken_up()
        try:
            return function(worker, conn)
        finally:
            call.left()

    return handle


def _done(records: Written) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """In the main thread: what that has done since the last call is part of this one."""
    since = 0.0

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def finish_request(worker: Any, conn: Any, future: Any) -> Any:
            nonlocal since
            call: Call = conn.call  # the connection may get the next one at once
            try:
                return function(worker, conn, future)
            finally:
                call.cpu[Step.LOOP] += thread_time() - since
                if call.counted:
                    records.add(call.figures())
                since = thread_time()

        return finish_request

    return wrap


if __name__ == "__main__":
    folder, module = Path(sys.argv[1]), sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    install(folder)
    import_module(module).main()
