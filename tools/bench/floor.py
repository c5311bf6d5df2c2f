"""The floor: what any Flask service behind the same gunicorn pays for such a body.

It parses the body with orjson and answers one fixed card; it checks, reads and decides nothing.

    python -m tools.bench.floor PORT
"""

from __future__ import annotations

import sys

from flask import Flask, Response, request
from orjson import dumps, loads

from cds_service.settings import Settings
from cds_service.web import server

CARD = {
    "summary": "A fixed card",
    "indicator": "info",
    "source": {"label": "The floor of the benchmark"},
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def create_floor() -> Flask:
    """Answers every POST with the same card."""
    app = Flask(__name__)

    @app.post("/cds-services/<service_id>")
    def call(**_service: str) -> Response:
        loads(request.get_data(cache=False))
        return Response(dumps({"cards": [CARD]}), content_type="application/json")

    @app.get("/health")
    def health() -> Response:
        return Response(b"{}", content_type="application/json")

    return app


def main() -> None:
    """Serves until told to stop."""
    settings = Settings.load(port=int(sys.argv[1]), auth="open")
    server.run(create_floor(), settings, create_floor)


if __name__ == "__main__":
    main()
