"""JSON bodies in and out: strict about the bytes, so that nothing is read two ways.

orjson refuses NaN, Infinity and invalid UTF-8, but lets the last of two equal keys win;
those are refused here, because another reader might have taken the first. A body also has
limits, each checked in one pass of a C loop: bytes, depth, resources, length of a string.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request, Response

from cds_service.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from cds_service.protocol import unique_keys

JSON = "application/json"
FHIR_JSON = "application/fhir+json"
DEPTH = 254  # levels; the deepest value orjson writes, far above what FHIR nests


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most a body may hold: bytes, FHIR resources, and bytes in one string."""

    body: int
    resources: int
    string: int


def json_response(
    body: Mapping[str, Any], status: int = 200, *, content_type: str = JSON
) -> Response:
    """`body` as JSON."""
    return Response(orjson.dumps(body), status=status, content_type=content_type)


def read_json(request: Request, limits: Limits) -> Any:
    """The body of `request`, within `limits`.

    Raises UnsupportedMediaType, PayloadTooLarge, or BadRequest with the position.
    """
    _check_media_type(request)
    data = request.get_data(cache=False)
    # Werkzeug cuts a chunked body at its own limit, which is set one byte higher than ours.
    if len(data) > limits.body:
        raise too_large(limits.body)
    return parse_json(data, limits)


def too_large(limit: int) -> PayloadTooLarge:
    """The refusal of a body of more than `limit` bytes."""
    return PayloadTooLarge(f"The body is larger than {limit} bytes.")


def parse_json(data: bytes, limits: Limits | None = None) -> Any:
    """The value `data` holds. Raises BadRequest naming line and column, or PayloadTooLarge."""
    data = data.removeprefix(codecs.BOM_UTF8)  # some .NET clients send one
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _unreadable(data) from None
    written = _written(value)
    _refuse_repeated_keys(data, written)
    if limits:
        _check_limits(written, limits)
    return value


def check_limits(value: Any, limits: Limits) -> None:
    """Raises PayloadTooLarge for what was read in parts and holds too much as a whole."""
    _check_limits(_written(value), limits)


def _check_media_type(request: Request) -> None:
    kind = request.mimetype
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(f"Send the body as Content-Type: {JSON}.")
    if request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the body in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding.")


def _unreadable(data: bytes) -> BadRequest:
    """What is wrong and where, without the text found there, which may be about a patient."""
    try:
        text = data.decode("utf-8")
        if not text.strip():
            return BadRequest("The body is empty; a JSON object is needed.", code="required")
        orjson.loads(text)  # of text the place is told in characters
    except UnicodeDecodeError as error:
        return BadRequest(f"The body is not valid UTF-8 (byte {error.start + 1}).")
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return BadRequest(f"The body is not valid JSON: {error.msg} ({where}).")
    return BadRequest("The body is not valid JSON.")


def _written(value: Any) -> bytes:
    """`value` as orjson writes it: no space, no escape but of quote, backslash and control."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise BadRequest(f"The body is nested more than {DEPTH} levels deep.") from None


def _refuse_repeated_keys(data: bytes, written: bytes) -> None:
    try:
        unique_keys.check(data, written)
    except unique_keys.RepeatedKey:
        raise BadRequest("An object in the body has the same key twice.") from None


def _check_limits(written: bytes, limits: Limits) -> None:
    # A quote inside a string is escaped, so this counts keys and nothing else.
    key = b'"resourceType":'
    if len(written) > limits.resources * len(key) and written.count(key) > limits.resources:
        raise PayloadTooLarge(f"The body holds more than {limits.resources} resources.")
    if len(written) > limits.string and _has_stretch(written, limits.string):
        raise PayloadTooLarge(f"A value in the body is longer than {limits.string} bytes.")


def _has_stretch(written: bytes, limit: int) -> bool:
    """Whether more than `limit` bytes stand between two quotes. Looks at few of them."""
    plain = written.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    at = -1
    while len(plain) - at - 1 > limit:
        quote = plain.rfind(b'"', at + 1, at + limit + 2)
        if quote < 0:
            return True
        at = quote
    return False
