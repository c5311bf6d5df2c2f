"""An application with fakes in place of the clinical engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.settings import Settings
from cds_service.web import create_app, demo_of
from tests.web.fakes import FakeEngine, FakeService, case


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def make_app(engine: FakeEngine) -> Callable[..., Flask]:
    """An application; keyword arguments are settings."""

    def make(*services: Any, demo: bool | Any = False, **given: Any) -> Flask:
        return create_app(
            Settings.load(**({"auth": "open"} | given)),
            services or [FakeService()],
            demo=demo,
            answer=engine,
        )

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(today=date(2026, 6, 15)).test_client()


@pytest.fixture
def call() -> dict[str, Any]:
    return {
        "hook": "patient-view",
        "hookInstance": "c316efae-69b0-4666-995c-8494082b1dec",
        "context": {"patientId": "rosa", "userId": "Practitioner/1"},
    }


@pytest.fixture
def demo_client(make_app: Callable[..., Flask]) -> FlaskClient:
    """The demo over two patients."""
    request = {
        "resourceType": "MedicationRequest",
        "id": "rosa-m",
        "subject": {"reference": "Patient/rosa"},
        "medicationReference": {"reference": "Medication/m"},
    }
    medication = {"resourceType": "Medication", "id": "m"}
    cases = [case("rosa", request, medication), case("bert")]
    return make_app(demo=demo_of(cases), today=date(2026, 6, 15)).test_client()
