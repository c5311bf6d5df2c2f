"""Logs as JSON lines; one line per request, which is counted too.

A line holds what an operator needs and nothing about a patient: the route's pattern instead
of the path, no query string, no header, no body, no exception message.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from cds_service.trust.refusals import degraded
from cds_service.web.errors import fault_of
from cds_service.web.metrics import metrics

log = logging.getLogger("cds_service.request")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FIELDS = (
    "request_id client tenant operator service route method status ms rules error reason degraded"
    " fault type outcome"
).split()


class JsonLines(logging.Formatter):
    """One JSON object a record; of an exception only its type and place."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if has_request_context() and "request_id" in g:  # also of what is logged below the edge
            line["request_id"] = g.request_id
        told = vars(record)
        line |= {name: told[name] for name in _FIELDS if name in told}
        if record.exc_info and record.exc_info[1]:
            line["fault"] = fault_of(record.exc_info[1])
        return json.dumps(line)


def config(level: str) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`: JSON lines on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "gunicorn.error": {"handlers": [], "propagate": True},
            # gunicorn's own access log holds query strings; flask-cors tells of every request.
            "gunicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
            "flask_cors": {"level": "WARNING"},
            # What is fetched has the patient in its URL.
            "urllib3": {"handlers": [], "propagate": False, "level": "CRITICAL"},
        },
    }


def init_app(app: Flask) -> None:
    """Numbers each request, and logs and counts it when it is answered.

    Call this before anything else registers `after_request`: Flask runs those in reverse.
    """
    app.before_request(_begin)
    app.after_request(_end)


@degraded.connect
def _note(what: str, **_: Any) -> None:
    """What was done less strictly for the current request stands in its line."""
    if has_request_context():
        g.degraded = [*g.get("degraded", ()), what]


def _begin() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _UUID.fullmatch(sent) else str(uuid.uuid4())
    g.started = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    seconds = time.perf_counter() - g.started
    client = g.client.name if "client" in g else None
    fields = {
        "request_id": g.request_id,
        "client": client,
        "tenant": g.get("tenant"),
        "operator": g.get("operator"),
        "service": g.get("service"),
        "route": request.url_rule.rule if request.url_rule else None,
        "method": request.method,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "rules": list(g.get("rules", ())),
        "error": g.get("error"),
        "reason": g.get("reason"),
        "degraded": g.get("degraded"),
    }
    log.info("request", extra={name: value for name, value in fields.items() if value})
    metrics().request(
        fields["route"] or "none", response.status_code, seconds, client or "", g.get("error", "")
    )
    return response
