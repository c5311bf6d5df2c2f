"""The console over the real engine and the demo patients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from cds_service.demo.call import hook_call
from cds_service.demo.patients import DEMO_TODAY, load_cases, whole_record
from cds_service.guideline.case import Case
from cds_service.protocol.request import parse
from cds_service.service import answer
from cds_service.settings import Settings
from cds_service.web import create_app
from hooks import patient_view

CASES = {case.name: case for case in load_cases()}
RECORD = whole_record(CASES.values())


@pytest.fixture(scope="session")
def console() -> FlaskClient:
    """The demo."""
    return create_app(Settings.load(auth="open", today=DEMO_TODAY), demo=True).test_client()


@pytest.fixture(scope="session")
def case_of() -> Callable[[str], Case]:
    """What the rules see of a demo patient on 15 June 2026."""

    def seen(name: str) -> Case:
        service = patient_view.SERVICE
        patient = CASES[name].patient_id
        sent = hook_call(
            service.hook, service.prefetch, RECORD, patient=patient, fhir_server="http://x"
        )
        site = Settings(today=DEMO_TODAY).site()
        decision = answer(service, parse(sent, hook=service.hook), today=DEMO_TODAY, site=site)
        assert decision.case
        return decision.case

    return seen
