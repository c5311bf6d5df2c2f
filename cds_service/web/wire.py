"""JSON bodies in and out: strict about the bytes, so that nothing is read two ways.

orjson refuses NaN, Infinity and invalid UTF-8, but lets the last of two equal keys win;
those are refused here, because another reader might have taken the first.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Request, Response

from cds_service.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

JSON = "application/json"
FHIR_JSON = "application/fhir+json"


def json_response(
    body: Mapping[str, Any], status: int = 200, *, content_type: str = JSON
) -> Response:
    """`body` as JSON."""
    return Response(orjson.dumps(body), status=status, content_type=content_type)


def read_json(request: Request, *, limit: int) -> Any:
    """The body of `request`, of at most `limit` bytes.

    Raises UnsupportedMediaType, PayloadTooLarge, or BadRequest with the position.
    """
    _check_media_type(request)
    data = request.get_data(cache=False)
    # Werkzeug cuts a chunked body at its own limit, which is set one byte higher than ours.
    if len(data) > limit:
        raise too_large(limit)
    return parse_json(data)


def too_large(limit: int) -> PayloadTooLarge:
    """The refusal of a body of more than `limit` bytes."""
    return PayloadTooLarge(f"The body is larger than {limit} bytes.")


def parse_json(data: bytes) -> Any:
    """The value `data` holds. Raises BadRequest naming line and column."""
    data = data.removeprefix(codecs.BOM_UTF8)  # some .NET clients send one
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start + 1}).") from None
    if not text.strip():
        raise BadRequest("The body is empty; a JSON object is needed.", code="required")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_malformed(error)) from None
    _refuse_repeated_keys(data, text, value)
    return value


def _check_media_type(request: Request) -> None:
    kind = request.mimetype
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(f"Send the body as Content-Type: {JSON}.")
    if request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the body in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding.")


def _malformed(error: orjson.JSONDecodeError) -> str:
    """What and where, without the text found there, which may be about a patient."""
    return f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."


def _refuse_repeated_keys(data: bytes, text: str, value: Any) -> None:
    """Each key brings one colon: fewer colons when written again means a key was lost.

    Colons inside strings survive unless written as an escape. The slow, certain check is
    made only when the count is off or such an escape occurs.
    """
    try:
        written = orjson.dumps(value)
    except TypeError:
        raise BadRequest("The body is nested too deeply.") from None
    if data.count(b":") != written.count(b":") or b"\\u003" in data:
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise BadRequest("An object in the body has the same key twice.")
