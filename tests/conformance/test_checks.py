"""The service keeps each requirement; a stub that breaks just that one is noticed."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.settings import Settings
from cds_service.web import create_app
from tests.conformance import actions, cards, discovery, exchange  # noqa: F401  # they register
from tests.conformance.caller import Answer, Call, Caller, in_process, over_http
from tests.conformance.registry import CHECKS, Verified
from tests.conftest import Running

KEPT = [
    pytest.param(one, id=one.name, marks=pytest.mark.requirement(*one.requirements))
    for one in CHECKS
]
BROKEN = [
    pytest.param(one, identity, id=one.name, marks=pytest.mark.notices(identity))
    for one in CHECKS
    for identity in one.stubs
]
FAILURES = (AssertionError, LookupError, ValueError)

# What a stub cannot but break as well: no discovery, no 412, no readable refusal.
ON_DISCOVERY = {one.name for one in CHECKS if one.check.__module__ == discovery.__name__}
REFUSALS = {
    "an-operation-outcome-in-the-prefetch-is-no-data",
    "every-refusal-is-an-operation-outcome",
    "without-required-data-the-answer-is-412",
}
ENTAILED = {
    "2.0-4": {*ON_DISCOVERY, "a-page-of-another-origin-may-call"},
    "2.0-54": REFUSALS,
    "3.0-27": REFUSALS,
    "3.0-29": {"nothing-sent-is-null-or-empty-but-the-list-of-cards"},
}
UNCHANGING = "2.0-27"  # slowness changes no answer


@pytest.fixture(scope="module")
def service() -> Caller:
    """The real services, in this process."""
    return in_process(create_app(Settings.load(today=date(2026, 6, 15)), demo=True))


@pytest.fixture(scope="module")
def remembered(service: Caller) -> Caller:
    """The same, asked only once for the same thing."""
    known: dict[str, Answer] = {}

    def call(sent: Call) -> Answer:
        asked = repr(sent)
        if asked not in known:
            known[asked] = service(sent)
        return known[asked]

    return call


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.name)
def test_the_service_keeps(one: Verified, service: Caller) -> None:
    one.check(service)


@pytest.mark.slow
@pytest.mark.parametrize("one", KEPT)
def test_the_running_server_keeps(one: Verified, demo_server: Running) -> None:
    one.check(over_http(demo_server.url))


@pytest.mark.parametrize(("one", "identity"), BROKEN)
def test_a_stub_is_noticed_that_breaks(one: Verified, identity: str, service: Caller) -> None:
    with pytest.raises(FAILURES):
        one.check(one.stubs[identity](service))


@pytest.mark.slow
@pytest.mark.parametrize(
    "identity", sorted({i for one in CHECKS for i in one.stubs} - {UNCHANGING})
)
def test_a_stub_breaks_nothing_else_of(identity: str, remembered: Caller) -> None:
    (own,) = [one for one in CHECKS if identity in one.stubs]
    stub = own.stubs[identity](remembered)
    for other in CHECKS:
        if other is not own and other.name not in ENTAILED.get(identity, ()):
            other.check(stub)
