"""One way to call a service: in this process, over HTTP, or through a stub that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from flask import Flask

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; `body` is sent as JSON, bytes as they are."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes | None:
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    def saying(self, body: Any) -> Answer:
        """The same answer with another body."""
        return replace(self, data=json.dumps(body).encode())


Caller = Callable[[Call], Answer]


def get(service: Caller, path: str, **headers: str) -> Answer:
    return service(Call("GET", path, headers=headers))


def post(service: Caller, path: str, body: Any, **headers: str) -> Answer:
    """A POST of JSON."""
    return service(Call("POST", path, body, {**JSON, **headers}))


def in_process(app: Flask) -> Caller:
    client = app.test_client()

    def call(sent: Call) -> Answer:
        answer = client.open(
            sent.path, method=sent.method, data=sent.data, headers=dict(sent.headers)
        )
        return Answer(answer.status_code, _lower(answer.headers), answer.data)

    return call


def over_http(url: str) -> Caller:
    session = requests.Session()

    def call(sent: Call) -> Answer:
        answer = session.request(
            sent.method,
            url + sent.path,
            data=sent.data,
            headers=dict(sent.headers),
            allow_redirects=False,
            timeout=30,
        )
        return Answer(answer.status_code, _lower(answer.headers), answer.content)

    return call


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
