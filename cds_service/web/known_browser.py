"""Browsers in which an operator has logged in before: a signed cookie says so.

It lets nobody in. It only keeps the tries of strangers apart from those of the operator.
"""

from __future__ import annotations

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

LIFE = 90 * 86_400  # seconds


def of(name: str) -> str | None:
    """What this browser is known by, if the operator of this name has logged in with it."""
    try:
        known = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=LIFE)
    except BadData:
        return None
    return str(known[1]) if known[0] == name else None


def remember(answer: Response, name: str, known_by: str) -> None:
    """From now on this browser is known."""
    config = current_app.config
    answer.set_cookie(
        _cookie(),
        _serializer().dumps([name, known_by]),
        max_age=LIFE,
        path=config["SESSION_COOKIE_PATH"],
        secure=config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Strict",
    )


def _serializer() -> URLSafeTimedSerializer:
    config = current_app.config
    keys = [*config["SECRET_KEY_FALLBACKS"], config["SECRET_KEY"]]  # the last one signs
    return URLSafeTimedSerializer(keys, salt="cds-known-browser")


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-known"
