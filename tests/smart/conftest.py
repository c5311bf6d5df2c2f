"""The application in process, and an EHR over HTTP that launches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.demo.patients import DEMO_TODAY
from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.store.opening import open_store
from cds_service.web import create_app
from tests.smart.launcher import CLIENT, Launcher, launching

REDIRECT = "http://localhost:8000/smart/callback"

SITE = """
[clients.north]
iss = "https://ehr.example"
jku = "https://ehr.example/jwks"
fhir_servers = ["{base}"]
{more}
[clients.north.smart]
client_id = "{client}"
{smart}
"""


@pytest.fixture
def ehr() -> Iterator[Launcher]:
    with launching(Launcher(redirect=REDIRECT)) as launcher:
        yield launcher


Made = Callable[..., Flask]


@pytest.fixture
def made(ehr: Launcher, tmp_path: Path) -> Iterator[Made]:
    """The application registered with the EHR; keyword arguments are settings."""
    opened: list[Store] = []

    def make(smart: str = "", more: str = "", **given: Any) -> Flask:
        file = tmp_path / "site.toml"
        file.write_text(SITE.format(base=ehr.base, client=CLIENT, smart=smart, more=more))
        settings = Settings.load(
            **{
                "auth": "open",
                "config": file,
                "state": tmp_path / "state",
                "database_timeout": 5000,
                "today": DEMO_TODAY,
                "fhir_private": ehr.base,
            }
            | given
        )
        opened.append(open_store(settings))
        return create_app(settings, store=opened[-1])

    yield make
    for store in opened:
        store.close()


@dataclass
class Browser:
    """One browser: its cookies, and the way of a launch step by step."""

    client: FlaskClient
    ehr: Launcher

    def launch(self, iss: str | None = None, launch: str | None = "new") -> TestResponse:
        """The app's answer to the launch; `launch` None: standalone."""
        query = {"iss": iss if iss is not None else self.ehr.base}
        if launch is not None:
            query["launch"] = self.ehr.launch() if launch == "new" else launch
        return self.client.get("/smart/launch", query_string=query)

    def authorized(self, **more: Any) -> str:
        """Where the EHR sends the browser back to, path and query."""
        begun = self.launch(**more)
        assert begun.status_code == 303, begun.text
        sent = requests.get(begun.headers["Location"], allow_redirects=False, timeout=20)
        assert sent.status_code == 303, sent.text
        parts = urlsplit(sent.headers["Location"])
        return f"{parts.path}?{parts.query}"

    def came_back(self, **more: Any) -> TestResponse:
        return self.client.get(self.authorized(**more))

    def view(self, **more: Any) -> TestResponse:
        """The page at the end of it, or where it stopped."""
        back = self.came_back(**more)
        return self.client.get(back.headers["Location"]) if back.status_code == 303 else back


@pytest.fixture
def browser(made: Made, ehr: Launcher) -> Browser:
    return Browser(made().test_client(), ehr)
