"""Logging in to the pages for operators, with CDS_SERVICE_CONSOLE=password.

Flask signs the cookie, Flask-WTF guards the forms, `cds_service.trust.sessions` says whose session
it is. Imported only when operators log in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from cds_service.errors import BadRequest, NotLoggedIn, Overloaded, SettingsError, Unavailable
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.trust import access
from cds_service.trust.access import Access
from cds_service.trust.attempts import Attempts
from cds_service.trust.operators import LONGEST, Operators, read_operators
from cds_service.trust.refusals import Reason, refused
from cds_service.trust.sessions import Sessions
from cds_service.web import callers, clock, known_browser, same_origin
from cds_service.web.cookies import jar
from cds_service.web.pages import common

log = logging.getLogger("cds_service.operator")

HOME = "console.what_if.page"
AT_ONCE = 2  # passwords hashed at once in a process; each takes 32 MiB
PATIENCE = 2.0  # seconds for one's turn
_KEY = "cds_service.login"

blueprint = Blueprint("login", __name__, url_prefix="/console")
csrf = CSRFProtect()


class Login:
    """What the routes need, put together once."""

    def __init__(self, sessions: Sessions, attempts: Attempts) -> None:
        self.sessions = sessions
        self.attempts = attempts
        self.operators = sessions.operators
        self.keys = sessions.store.keys
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hashing is slow on purpose: only so many at once. Raises Overloaded."""
        if not self._turns.acquire(timeout=PATIENCE):
            raise Overloaded("Too many are logging in. Try again in a moment.")
        try:
            yield
        finally:
            self._turns.release()


def init_app(app: Flask, settings: Settings, store: Store | None) -> None:
    """Serves the log-in page. Raises SettingsError when nobody could log in."""
    login = app.extensions[_KEY] = _put_together(settings, store)
    first, *others = login.keys.digests("console-cookie")
    cookies = jar(settings)
    app.config.update(
        SECRET_KEY=first,
        SECRET_KEY_FALLBACKS=others,
        SESSION_COOKIE_NAME=cookies.named("cds-console"),
        SESSION_COOKIE_PATH=cookies.path,
        SESSION_COOKIE_SECURE=cookies.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_life),
        WTF_CSRF_CHECK_DEFAULT=False,  # clients' calls have no form
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # a Referer may be kept back; same_origin looks at Origin
    )
    csrf.init_app(app)
    app.register_blueprint(blueprint)
    app.context_processor(lambda: {"operator": g.get("operator")})


def _put_together(settings: Settings, store: Store | None) -> Login:
    if store is None:
        raise SettingsError("CDS_SERVICE_CONSOLE=password needs a store: it holds who is logged in")
    if settings.operators is None:
        raise SettingsError(
            "CDS_SERVICE_OPERATORS must name the file of operators when CDS_SERVICE_CONSOLE is"
            " 'password' (make it: cds-service operator add)"
        )
    if not read_operators(settings.operators):
        raise SettingsError(f"{settings.operators}: holds nobody who could log in")
    sessions = Sessions(
        store,
        Operators(settings.operators),
        idle=timedelta(seconds=settings.session_idle),
        life=timedelta(seconds=settings.session_life),
    )
    return Login(sessions, Attempts(callers.rates(settings)))


def guard() -> None:
    """Raises unless an operator is logged in; a person is sent to log in, and on to the page."""
    secret = session.get("secret")
    name = _login().sessions.operator(secret, clock.now()) if secret else None
    if name is None:
        if "text/html" in request.headers.get("Accept", ""):  # a form is no page: it is lost
            here = request.full_path if request.query_string else request.path
            abort(redirect(f"{url_for('login.page')}?{urlencode({'next': here})}", 303))
        raise NotLoggedIn(Reason.NO_SESSION)
    g.operator = name


def check_form() -> None:
    """Raises BadRequest when the form is not one that this session was given."""
    try:
        csrf.protect()
    except CSRFError:
        raise BadRequest("This page had been open too long. Load it again.") from None


@blueprint.get("/login")
def page() -> Response:
    """The form to log in."""
    return _shown(request.args.get("next", ""))


@blueprint.post("/login")
def enter() -> BaseResponse:
    """Logs in: a new session, and on to where the operator was going."""
    same_origin.check()
    wanted = request.form.get("next", "")
    try:
        check_form()
    except BadRequest:
        return _shown(wanted, "This page had been open too long. Try again.", 400)
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    wait = _login().attempts.wait(_login().keys.digest("login", name), known_browser.of(name))
    if wait:
        _tell("login-throttled", name)
        told = _shown(wanted, "Too many tries. Wait some minutes, then try again.", 429)
        told.headers["Retry-After"] = str(wait)
        return told
    with _login().turn():
        line = _login().operators.proves(name, password[: 4 * LONGEST])
    if line is None:
        _tell("login-refused", name)
        return _shown(wanted, "Name or password is not right.", 403)
    return _entered(name, line, wanted)


@blueprint.post("/logout")
def leave() -> BaseResponse:
    """Logs out: the session is over on every machine."""
    _login().sessions.end(session["secret"])
    session.clear()
    _tell("logout", g.operator)
    return redirect(url_for("login.page"), 303)


def _entered(name: str, line: str, wanted: str) -> BaseResponse:
    if old := session.get("secret"):
        _login().sessions.end(old)
    session.clear()  # nothing of what a stranger may have put there lives on
    session["secret"] = _login().sessions.begin(name, line, clock.now())
    _tell("login", name)
    answer = redirect(_safe(wanted), 303)
    known_browser.remember(answer, name, _login().keys.digest("browser", session["secret"]))
    return answer


def _shown(wanted: str, fault: str = "", status: int = 200) -> Response:
    shown = render_template("console/login.html", next=wanted, fault=fault, **common())
    return make_response(shown, status)


def _safe(wanted: str) -> str:
    """`wanted` when it is a page for operators here, else the first such page."""
    home = url_for(HOME)
    told = urlsplit(wanted)
    if told.scheme or told.netloc or not wanted.startswith("/") or "\\" in wanted:
        return home
    try:
        rule, _ = current_app.url_map.bind("").match(told.path, method="GET", return_rule=True)
    except HTTPException:
        return home
    if access.ROUTES.get(rule.rule) is not Access.OPERATOR:
        return home
    return request.script_root + told.path + (f"?{told.query}" if told.query else "")


def _tell(event: str, name: str) -> None:
    """For the audit. A name nobody has is not written: it may be a mistyped password."""
    known = name if _is_known(name) else None
    log.info(event, extra={"request_id": g.request_id} | ({"operator": known} if known else {}))
    if event in ("login-refused", "login-throttled"):
        g.reason = event
        refused.send(event, client=None)


def _is_known(name: str) -> bool:
    try:
        return _login().operators.line_of(name) is not None
    except Unavailable:
        return False


def _login() -> Login:
    held: Login = current_app.extensions[_KEY]
    return held
