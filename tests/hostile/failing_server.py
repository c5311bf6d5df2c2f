"""The service with an engine that fails, and says whom it failed about in its exception.

`python -m tests.hostile.failing_server 0 --port 8000`
"""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask

from cds_service.settings import Settings
from cds_service.web import create_app, server

if __name__ == "__main__":

    def fails(_service: Any, request: Any, **_: Any) -> Any:
        raise ValueError(f"cannot decide about {request.patient_id}: {request.prefetch}")

    def made() -> Flask:
        return create_app(settings, answer=fails)

    settings = Settings.load(port=int(sys.argv[3]), auth="open")
    server.run(made(), settings, made)
