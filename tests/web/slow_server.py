"""gunicorn with a slow engine: `python -m tests.web.slow_server 1.5 --port 8000`."""

from __future__ import annotations

import sys
import time
from typing import Any

from flask import Flask

from cds_service.settings import Settings
from cds_service.web import create_app, server
from tests.web.fakes import FakeDecision, FakeService

if __name__ == "__main__":
    seconds, port = float(sys.argv[1]), int(sys.argv[3])

    def slowly(*_: Any, **__: Any) -> FakeDecision:
        time.sleep(seconds)
        return FakeDecision()

    def made() -> Flask:
        return create_app(settings, [FakeService()], answer=slowly)

    settings = Settings.load(port=port, auth="open")
    server.run(made(), settings, made)
