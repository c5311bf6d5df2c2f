"""JSON bodies in and out: strict about the bytes, so that nothing is read two ways.

orjson refuses NaN, Infinity and invalid UTF-8, but lets the last of two equal keys win;
those are refused here, because another reader might have taken the first. A body also has
limits, each checked in one pass of a C loop: bytes, depth, resources, length of a string.
Entries of Bundles are read one by one where they can be (`cds_service.protocol.entries`).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request, Response

from cds_service.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from cds_service.protocol import entries, unique_keys

JSON = "application/json"
FHIR_JSON = "application/fhir+json"
DEPTH = 254  # levels; the deepest value orjson writes, far above what FHIR nests
_RESOURCE = b'"resourceType":'  # a quote inside a string is escaped: this is a key, nothing else

#: an entry of a Bundle, the body, from where to where it is there -> what stands for it
Keep = Callable[[Any, bytes, int, int], object]


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


def read_json(request: Request, limits: Limits, keep: Keep | None = None) -> Any:
    """The body of `request`, within `limits`; of entries of Bundles what `keep` makes of them.

    Raises UnsupportedMediaType, PayloadTooLarge, or BadRequest with the position.
    """
    _check_media_type(request)
    data = request.get_data(cache=False)
    # Werkzeug cuts a chunked body at its own limit, which is set one byte higher than ours.
    if len(data) > limits.body:
        raise too_large(limits.body)
    return parse_json(data, limits, keep)


def too_large(limit: int) -> PayloadTooLarge:
    """The refusal of a body of more than `limit` bytes."""
    return PayloadTooLarge(f"The body is larger than {limit} bytes.")


def parse_json(data: bytes, limits: Limits | None = None, keep: Keep | None = None) -> Any:
    """The value `data` holds. Raises BadRequest naming line and column, or PayloadTooLarge."""
    data = data.removeprefix(codecs.BOM_UTF8)  # some .NET clients send one
    if limits and keep:
        value = _by_entry(data, limits, keep)
        if value is not None:
            return value
    return _parsed(data, limits)


def _parsed(data: bytes, limits: Limits | None, resources: int = 0) -> Any:
    """`resources`: how many the limits have to count beside those in `data`."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _unreadable(data) from None
    written = _written(value)
    _refuse_repeated_keys(data, written)
    if limits:
        _check_limits(written, limits, resources)
    return value


def _by_entry(data: bytes, limits: Limits, keep: Keep) -> Any:
    """The value, each entry checked as the whole would be. None: it has to be read as a whole."""
    loads, dumps, resources = orjson.loads, orjson.dumps, 0

    def one(body: bytes, start: int, stop: int) -> object:
        """Done for each of a thousand entries, so with as few calls as there can be."""
        nonlocal resources
        entry = body[start:stop]
        value = loads(entry)
        try:
            written = dumps(value)
        except TypeError:
            raise _too_deep() from None
        if written != entry:
            _refuse_repeated_keys(entry, written)
        if len(written) > limits.string:
            _check_strings(written, limits)
        resources += written.count(_RESOURCE)
        return keep(value, body, start, stop)

    def rest(around: bytes) -> Any:
        return _parsed(around, limits, resources)

    return entries.read(data, most=limits.resources, entry=one, rest=rest)


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
        raise _too_deep() from None


def _too_deep() -> BadRequest:
    return BadRequest(f"The body is nested more than {DEPTH} levels deep.")


def _refuse_repeated_keys(data: bytes, written: bytes) -> None:
    try:
        unique_keys.check(data, written)
    except unique_keys.RepeatedKey:
        raise BadRequest("An object in the body has the same key twice.") from None


def _check_limits(written: bytes, limits: Limits, resources: int = 0) -> None:
    most = limits.resources - resources
    if len(written) > most * len(_RESOURCE) and written.count(_RESOURCE) > most:
        raise PayloadTooLarge(f"The body holds more than {limits.resources} resources.")
    _check_strings(written, limits)


def _check_strings(written: bytes, limits: Limits) -> None:
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
