"""An application over a ledger, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.settings import Settings
from cds_service.store.engine import Store
from cds_service.web import create_app

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(store: Store, tmp_path: Any) -> MakeApp:
    """Keyword arguments are settings; all applications share one database."""

    def make(**given: Any) -> Flask:
        usual = {"auth": "open", "today": "2026-06-15", "state": tmp_path / "state"}
        return create_app(Settings.load(**usual | given), store=store)

    return make


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app().test_client()
