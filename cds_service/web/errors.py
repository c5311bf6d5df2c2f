"""Every failure, on every path, becomes an OperationOutcome.

It is sent as application/json: CDS Hooks exchanges plain JSON, and a client that asked for
cards must be able to read why it got none.
"""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, g, request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed

from cds_service import errors
from cds_service.errors import CdsError
from cds_service.trust.refusals import refused
from cds_service.web.wire import json_response, too_large

log = logging.getLogger("cds_service.error")


def init_app(app: Flask) -> None:
    """Registers the handlers."""
    app.register_error_handler(CdsError, known)
    app.register_error_handler(HTTPException, from_werkzeug)
    app.register_error_handler(ParseException, unreadable)
    app.register_error_handler(NoMoreData, unreadable)
    app.register_error_handler(Exception, unforeseen)


def known(error: CdsError) -> Response:
    """An error of the tree in `cds_service.errors`."""
    g.error = type(error).__name__
    if isinstance(error, errors.Refusal):
        g.reason = error.reason
        refused.send(error.reason, client=g.client.name if "client" in g else None)
    response = json_response(errors.operation_outcome(error), error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def from_werkzeug(error: HTTPException) -> Response:
    """What routing and body reading refuse."""
    status = error.code or 500
    response = known(_translated(error, status))
    response.status_code = status
    if isinstance(error, WerkzeugMethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def unreadable(_error: Exception) -> Response:
    """A body whose framing broke off or is no HTTP, seen by gunicorn while it was read."""
    return known(errors.BadRequest("The body is not framed as HTTP asks."))


def unforeseen(error: Exception) -> Response:
    """A fault of ours: the client learns the request id, the log the type and the place.

    Neither gets the message, which may hold what was read about a patient.
    """
    told = logged(error)
    return json_response(errors.operation_outcome(told), told.status)


def logged(error: Exception) -> CdsError:
    """What may be told of a fault of ours, which now is in the log."""
    log.error("fault", extra={"request_id": g.request_id, "fault": fault_of(error)})
    return CdsError(f"The service failed. The log holds more, under request {g.request_id}.")


def fault_of(error: BaseException) -> dict[str, str]:
    """Type and innermost place of `error`, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "cds_service" in Path(frame.filename).parts]
    where = (ours or frames)[-1:]
    place = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in where]
    return {"type": type(error).__name__, "at": "".join(place)}


def _translated(error: HTTPException, status: int) -> CdsError:
    if isinstance(error, RequestEntityTooLarge):
        return too_large((request.max_content_length or 1) - 1)  # it is set one byte higher
    if isinstance(error, WerkzeugMethodNotAllowed):
        return errors.MethodNotAllowed(f"{request.method} is not answered at this address.")
    if status == HTTPStatus.NOT_FOUND:
        return errors.NotFound("There is nothing at this address.")
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return errors.UnsupportedMediaType("This media type is not read here.")
    return errors.BadRequest(error.name + ".")
