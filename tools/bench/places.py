"""Where the steps of a call are in the code, by name: wrapped from outside, for measuring alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from tools.bench import handed
from tools.bench.stopwatch import Function, Step, timed


class Place(NamedTuple):
    """A function of `owner`: a module, or a class in one (`module:Class`)."""

    owner: str
    name: str
    wrap: Callable[[Function], Function]


def _step(owner: str, name: str, step: Step, then: Step | None = None) -> Place:
    return Place(owner, name, partial(timed, step=step, then=then))


#: what a call frees it frees behind these: the last names of it go out of scope there
_HTTP = (
    _step("gunicorn.workers.gthread:TConn", "wait_for_data", Step.WAITING),
    _step("gunicorn.http.parser:Parser", "__next__", Step.HEAD),
    _step("gunicorn.http.wsgi", "create", Step.HEAD),
    _step("gunicorn.http.wsgi:Response", "write", Step.WRITE, then=Step.AFTER),
    _step("flask:Flask", "wsgi_app", Step.FLASK),
    _step("flask:Flask", "dispatch_request", Step.FLASK),
    _step("werkzeug.wrappers:Request", "get_data", Step.BODY),
)
_FLOOR = (
    _step("tools.bench.floor", "loads", Step.JSON, then=Step.FREE),
    _step("tools.bench.floor", "dumps", Step.ANSWER),
)
_SERVICE = (
    _step("cds_service.trust.tokens:Authenticator", "authenticate", Step.TOKEN),
    _step("cds_service.web.services", "read_json", Step.JSON),
    _step("cds_service.web.services", "parse", Step.REQUEST),
    _step("cds_service.ledger.ledger:Ledger", "history", Step.HISTORY_HANDED),
    _step("cds_service.service", "gather", Step.EVIDENCE),
    _step("cds_service.service", "read", Step.FACTS),
    _step("cds_service.service", "decide", Step.RULES, then=Step.FREE),
    _step("cds_service.service", "card", Step.CARDS),
    _step("cds_service.ledger.ledger:Ledger", "record", Step.ENTRY),
    _step("cds_service.decision:Decision", "response", Step.ANSWER),
    _step("cds_service.web.services", "json_response", Step.ANSWER, then=Step.FREE),
    _step("cds_service.web.metrics:Metrics", "decision", Step.LOG),
    _step("cds_service.web.log", "_begin", Step.LOG),
    _step("cds_service.web.log", "_end", Step.LOG),
    Place("cds_service.store.engine:Store", "quick", handed.bounded),
    Place("cds_service.store.engine:Store", "direct", handed.transaction),
)
PLACES = (*_HTTP, *_FLOOR, *_SERVICE)


def owner_of(place: Place) -> Any:
    """The module or class. Raises LookupError when the function is no longer there."""
    module, _, name = place.owner.partition(":")
    try:
        owner = import_module(module)
        owner = getattr(owner, name) if name else owner
        getattr(owner, place.name)
    except (ImportError, AttributeError) as error:
        told = f"{place.owner} has no {place.name}: tools/bench/places.py must say where it is now"
        raise LookupError(told) from error
    return owner


def wrapped() -> Iterator[tuple[Any, str, Function]]:
    """Owner, name, and the function that takes the place of the one there."""
    for place in PLACES:
        owner = owner_of(place)
        yield owner, place.name, place.wrap(getattr(owner, place.name))
