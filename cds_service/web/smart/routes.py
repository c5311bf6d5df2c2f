"""From an EHR's launch to the view of its patient, in the browser that the EHR opened."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from cds_service.errors import CdsError
from cds_service.trust.refusals import refused
from cds_service.trust.smart import launch, sealing
from cds_service.trust.smart.exchange import Exchange, Granted
from cds_service.trust.smart.launch import Pending
from cds_service.trust.smart.refused import LaunchRefused, Why
from cds_service.trust.smart.sealing import View
from cds_service.web import clock, errors, same_origin
from cds_service.web.pages import common
from cds_service.web.smart import cookies
from cds_service.web.smart import view as views
from cds_service.web.smart.app import Registered, smart_app

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {}"
)
LONGEST = 2_000  # characters of what the EHR sends in the address

blueprint = Blueprint("smart", __name__, url_prefix="/smart")


@blueprint.get("/launch")
def begin() -> BaseResponse:
    """An EHR launches the app (`iss`, `launch`), or a person opens it by itself (`iss`)."""
    iss, given = request.args.get("iss", ""), request.args.get("launch")
    base, known = _known(iss)
    if given is not None and len(given) > LONGEST:
        raise LaunchRefused(Why.DENIED)
    told = smart_app().discovery.of(base)
    if given is None and not told.standalone:
        raise LaunchRefused(Why.CONFIGURATION)
    scope = launch.scopes(views.types(known.service), told, by_ehr=given is not None)
    pending = launch.begin(known.client.name, base, scope, int(clock.now().timestamp()))
    address = launch.address(
        pending,
        told,
        client_id=known.smart.client_id,
        redirect=smart_app().redirect,
        launch=given,
        aud=iss,
    )
    answer = redirect(address, 303)
    value = sealing.seal(pending, smart_app().store.keys)
    cookies.make_room(answer, cookies.LAUNCH)
    cookies.put(answer, cookies.on_the_way(pending.state), value, launch.LIFE)
    return answer


@blueprint.get("/callback")
def come_back() -> BaseResponse:
    """The authorization server sends the browser back: the code becomes a token, that a view."""
    pending = _pending()
    base, known = _known(pending.base)
    sealing.use_once(smart_app().store, pending, clock.now())
    granted = _granted(pending, known)
    made = View(
        client=known.client.name,
        base=base,
        token=granted.token,
        scope=granted.scope,
        patient=granted.patient,
        encounter=granted.encounter,
        user=granted.user,
        app_context=granted.app_context,
        ends=int(clock.now().timestamp()) + granted.seconds,
    )
    number = f"{int(clock.now().timestamp()):08x}{secrets.token_hex(4)}"  # names in order of time
    answer = redirect(url_for("smart.show", view=number), 303)
    cookies.make_room(answer, cookies.VIEW)
    secret = sealing.keep(smart_app().store, made, clock.now())
    cookies.put(answer, cookies.of_view(number), secret, granted.seconds)
    return answer


@blueprint.get("/app/<view>")
def show(view: str) -> str:
    """The patient's timeline and cards, from data fetched now."""
    held = sealing.find(smart_app().store, cookies.secret(view), clock.now())
    _, known = _known(held.base)
    if known.client.name != held.client:  # registered otherwise since
        raise LaunchRefused(Why.ENDED)
    seen = views.look(known, held, int(clock.now().timestamp()))
    g.rules = seen.trial.decision.rules
    return render_template("smart/app.html", view=view, seen=seen, trial=seen.trial, **_common())


@blueprint.post("/app/<view>/end")
def end(view: str) -> BaseResponse:
    """Ends the view: its token is forgotten."""
    same_origin.check()
    _known(sealing.find(smart_app().store, cookies.secret(view), clock.now()).base)
    sealing.end(smart_app().store, cookies.secret(view))
    answer = make_response(render_template("smart/stopped.html", ended=True, **_common()))
    cookies.forget(answer, cookies.of_view(view))
    return answer


# --- steps ---


def _known(iss: str) -> tuple[str, Registered]:
    """From here on the EHR's pages may frame the answer, and the log names the client."""
    base, known = smart_app().of(iss)
    g.client, g.framed_by = known.client, known.smart.frame_ancestors
    return base, known


def _pending() -> Pending:
    """What this browser keeps of the launch with this state. Raises LaunchRefused."""
    state = request.args.get("state", "")
    kept = request.cookies.get(cookies.on_the_way(state), "")
    pending = sealing.unseal(kept, smart_app().store.keys)
    if not hmac.compare_digest(pending.state.encode(), state.encode()):
        raise LaunchRefused(Why.STATE)
    return pending


def _granted(pending: Pending, known: Registered) -> Granted:
    told = smart_app().discovery.of(pending.base)
    sender = request.args.get("iss")  # RFC 9207: who answers
    unsigned = sender is None and told.signs
    if unsigned or (None not in (sender, told.issuer) and sender != told.issuer):
        raise LaunchRefused(Why.ISSUER)
    code = request.args.get("code", "")
    if "error" in request.args or not code or len(code) > LONGEST:
        raise LaunchRefused(Why.DENIED)
    exchange = Exchange(
        told=told,
        smart=known.smart,
        pending=pending,
        keys=smart_app().keys(told.keys) if told.keys else None,
    )
    return exchange.read(exchange.redeem(smart_app().asker, code, smart_app().redirect))


# --- answers ---


@blueprint.errorhandler(CdsError)
def stopped(error: CdsError) -> BaseResponse:
    """A page in words: there is a person in front of it."""
    g.error = type(error).__name__
    status = error.status
    if isinstance(error, LaunchRefused):
        status, g.reason = error.answered, str(error.why)
        refused.send(str(error.why), client=g.client.name if "client" in g else None)
    faults = [views.plainly(issue.diagnostics) for issue in error.issues]
    page = render_template("smart/stopped.html", faults=faults, **_common())
    return make_response(page, status)


@blueprint.errorhandler(Exception)
def failed(error: Exception) -> BaseResponse:
    """The same for a fault of ours."""
    if isinstance(error, HTTPException):
        return errors.from_werkzeug(error)
    return stopped(errors.logged(error))


@blueprint.after_request
def dress(response: Response) -> Response:
    """Which pages may frame this one; and a launch that has come back leaves no cookie."""
    if "framed_by" not in g:  # a page without a view: any EHR may show that it stopped
        g.framed_by = smart_app().all_ancestors
    response.headers["Content-Security-Policy"] = POLICY.format(" ".join(g.framed_by) or "'none'")
    response.headers["Referrer-Policy"] = "no-referrer"  # an address may hold a code
    if request.endpoint == "smart.come_back":
        cookies.forget(response, cookies.on_the_way(request.args.get("state", "")))
    return response


def _common() -> dict[str, Any]:
    return {"new_tab": True, **common()}
