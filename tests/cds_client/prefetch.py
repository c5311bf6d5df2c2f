"""Prefetch as clients fill it: tokens resolved, a FHIR server read and searched.

A template without `?` is a GET read; with `?` it is a POST to `_search`, and a GET where that is
refused. Clients differ in what they make of an empty search, a failure and further pages; that
is their `Manner`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests

TOKEN = re.compile(r"\{\{\s*(.+?)\s*\}\}")
RELATIVE = re.compile(r"today\(\)(?: ([+-]) (\d+) days)?")
USER = re.compile(r"user(Practitioner|PractitionerRole|Patient|RelatedPerson)Id")
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "processing", "diagnostics": "not obtained"}],
}


class Unresolved(Exception):
    """A token names nothing this client knows in this context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one client fills prefetch."""

    #: POST to _search first, as the public sandbox does
    post: bool = True
    #: leave it out, send null, or send an OperationOutcome
    failed: str = "drop"
    #: an empty search is sent as null
    empty_as_null: bool = False
    #: resources the client asks for on a page; 0: as many as the server gives
    page: int = 0
    #: follow `next` links and send the pages as one Bundle
    all_pages: bool = False
    #: keys this client never fills
    drops: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A FHIR server as a client reaches it."""

    base: str
    token: str | None = None

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> Any:
        """The resource it answers with. Raises requests.RequestException."""
        url = path if path.startswith("http") else f"{self.base}/{path}"
        headers = {"Accept": "application/fhir+json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = requests.request(method, url, data=form, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()


def fill(
    templates: Mapping[str, str],
    context: Mapping[str, Any],
    server: FhirServer,
    today: date,
    manner: Manner,
) -> dict[str, Any]:
    """The prefetch of one call."""
    found: dict[str, Any] = {}
    for key, template in templates.items():
        if key in manner.drops:
            continue
        try:
            found[key] = _value(resolved(template, context, today), server, manner)
        except (requests.RequestException, Unresolved):
            if manner.failed != "drop":
                found[key] = None if manner.failed == "null" else OUTCOME
    return found


def resolved(template: str, context: Mapping[str, Any], today: date) -> str:
    """The template with its tokens replaced. Raises Unresolved."""
    return TOKEN.sub(lambda token: _token(token[1], context, today), template)


def _token(token: str, context: Mapping[str, Any], today: date) -> str:
    if relative := RELATIVE.fullmatch(token):
        sign, days = relative.groups()
        return (today + timedelta(int(days or 0) * (-1 if sign == "-" else 1))).isoformat()
    if user := USER.fullmatch(token):
        kind, _, identity = str(context.get("userId", "")).rpartition("/")
        if kind == user[1]:
            return identity
        raise Unresolved(token)
    value = context.get(token.removeprefix("context."))
    if not token.startswith("context.") or not isinstance(value, str):
        raise Unresolved(token)
    return value


def _value(query: str, server: FhirServer, manner: Manner) -> Any:
    kind, search, parameters = query.partition("?")
    if not search:
        return server.ask("GET", kind)
    form = _form(parameters)
    if manner.page:
        form["_count"] = str(manner.page)
    first = _search(kind, form, server, manner)
    if manner.all_pages:
        pages = [first, *_following(first, server)]
        entries = [entry for page in pages for entry in page.get("entry", ())]
        first = {"resourceType": "Bundle", "type": "searchset", "total": first["total"]}
        first |= {"entry": entries} if entries else {}
    return None if manner.empty_as_null and not first.get("entry") else first


def _form(parameters: str) -> dict[str, str]:
    """A repeated parameter becomes one, its values joined: what the public sandbox does."""
    form: dict[str, str] = {}
    for name, value in parse_qsl(parameters):
        form[name] = f"{form[name]},{value}" if name in form else value
    return form


def _search(kind: str, form: Mapping[str, str], server: FhirServer, manner: Manner) -> Any:
    if manner.post:
        try:
            return server.ask("POST", f"{kind}/_search", form)
        except requests.HTTPError:
            pass  # a server that cannot be searched by POST is asked with GET
    return server.ask("GET", f"{kind}?{urlencode(form)}")


def _following(page: Any, server: FhirServer) -> Iterator[Any]:
    while url := next((n["url"] for n in page.get("link", ()) if n["relation"] == "next"), None):
        page = server.ask("GET", url)
        yield page
