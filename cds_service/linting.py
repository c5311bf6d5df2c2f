"""What is wrong with a hook request as captured from an EHR, and what can be judged with it.

Nothing is fetched and no card is made. The report holds codes and JSON paths of the request, names
of this service's own (rules, kinds of order) and no value of the patient's record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cds_service import service as engine
from cds_service.decision import Decision
from cds_service.errors import BadRequest, CdsError, Issue
from cds_service.fhir import survey
from cds_service.fhir.codes import Codes
from cds_service.fhir.context import gather_context
from cds_service.fhir.dates import Dates
from cds_service.fhir.read import read
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import MORE, Evidence, Resource, collect, gather, template_type
from cds_service.guideline.finding import Outcome, Recommendation, State
from cds_service.lint_report import (
    ERROR,
    FETCH,
    MORE_PAGES,
    NO,
    NOT_ASKED,
    NOT_ASKED_FOR,
    NOT_FHIR,
    NULL,
    OFF,
    OMITTED,
    SUPPLIED,
    TO_BE_FETCHED,
    UNSETTLED,
    YES,
    Judged,
    Key,
    LintReport,
    Place,
)
from cds_service.patient.facts import Unreadable
from cds_service.protocol.request import HookRequest, parse
from cds_service.service import Service
from cds_service.site import Site


@dataclass(slots=True)
class _Looked:
    """What was found so far in one request."""

    service: Service
    request: HookRequest
    site: Site
    today: date
    faults: list[Issue] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    decision: Decision | None = None
    unreadable: tuple[Unreadable, ...] = ()

    def awaits(self, state: str) -> bool:
        """Whether what is so lacking would be asked of the client's FHIR server."""
        fetched = state in (TO_BE_FETCHED, ERROR, MORE_PAGES)
        return fetched and self.request.fhir_server is not None

    def state_of(self, kind: str) -> str:
        """What became of the key that asks for a resource type."""
        keys = (k for k, one in self.service.prefetch.items() if template_type(one) == kind)
        return next((self.keys[key].state for key in keys), OMITTED)


def lint(body: object, services: Sequence[Service], *, today: date, site: Site) -> LintReport:
    """The report on one hook request, as parsed from JSON. The body names the hook.

    Raises BadRequest when it is no hook request, or for a hook that is not on offer.
    """
    service = _service_of(body, services)
    try:
        request = parse(body, hook=service.hook)
    except BadRequest as error:
        return _refused(service, error)
    looked = _Looked(service, request, site, today)
    _look_at_prefetch(looked)
    _look_at_context(looked)
    if not looked.faults:
        _decide(looked)
    return _report(looked)


def _refused(service: Service, error: BadRequest) -> LintReport:
    """The report on a request whose envelope or context is at fault: nothing else is looked at."""
    why = "the envelope or the context is at fault"
    return LintReport(
        hook=service.hook,
        service=service.id,
        faults=tuple(_places(error.issues)),
        rules=tuple(Judged(rule.id, NO, why) for rule in service.recommendations),
    )


def _service_of(body: object, services: Sequence[Service]) -> Service:
    if not isinstance(body, Mapping) or not isinstance(body.get("hook"), str):
        raise BadRequest("This is no hook request: it has no 'hook'.", code="structure")
    for service in services:
        if service.hook == body["hook"]:
            return service
    offered = ", ".join(dict.fromkeys(service.hook for service in services)) or "none"
    raise BadRequest(f"No service answers this hook. Offered: {offered}.", code="value")


# --- content ---


def _look_at_prefetch(looked: _Looked) -> None:
    """Each key by itself, so that the fault of one hides no fault of another."""
    prefetch = looked.request.prefetch
    lacking = TO_BE_FETCHED if looked.request.fhir_server else OMITTED
    for key in looked.service.prefetch:
        looked.keys[key] = Key(key, lacking)
    for key, value in prefetch.items():
        looked.keys[key] = _key(looked, key, value)
    patient = looked.request.patient_id
    looked.faults += survey.strangers(looked.resources, looked.evidence, patient)


def _key(looked: _Looked, name: str, value: Any) -> Key:
    path = f"prefetch.{name}"
    if faults := survey.faults(value, path):
        looked.faults += faults
        return Key(name, NOT_FHIR)
    found: dict[str, Resource] = {}
    problem = collect(value, path, found, looked.evidence)
    looked.resources += found.values()
    if name not in looked.service.prefetch:
        return Key(name, NOT_ASKED_FOR, len(found))
    if problem:
        return Key(name, MORE_PAGES if problem == MORE else ERROR, len(found))
    return Key(name, NULL if value is None else SUPPLIED, len(found))


#: the elements of a context that hold resources
_BUNDLES = ("draftOrders", "appointments", "conditions")


def _look_at_context(looked: _Looked) -> None:
    for name in _BUNDLES:
        value, path = looked.request.context.get(name), f"context.{name}"
        faults = survey.faults(value, path)
        looked.faults += faults
        if not faults:
            found: dict[str, Resource] = {}
            collect(value, path, found, Evidence())
            looked.resources += found.values()


# --- judgement ---


def _decide(looked: _Looked) -> None:
    """What the service would decide; why it would refuse is among the faults."""
    request, service, site = looked.request, looked.service, looked.site
    try:
        evidence = gather(service.prefetch, request.prefetch, request.patient_id)
        for kind in site.unsupported & evidence.missing.keys():
            evidence.unsupported[kind] = evidence.missing.pop(kind)
        looked.evidence = evidence
        gather_context(service.hook, request.context, evidence, request.patient_id)
        looked.decision = engine.decide(service, request, evidence, today=looked.today, site=site)
    except CdsError as error:
        looked.faults += [issue for issue in error.issues if _stops(looked, issue)]
    case = looked.decision.case if looked.decision else None
    looked.unreadable = case.facts.unreadable if case else _unreadable(looked)


def _stops(looked: _Looked, issue: Issue) -> bool:
    """Not what can be fetched; nor what names no place: the rules tell that."""
    awaited = {f"prefetch.{k.name}" for k in looked.keys.values() if looked.awaits(k.state)}
    dispatched = looked.request.fhir_server and any(
        place.startswith("context.dispatchedOrders") for place in issue.expression
    )
    return bool(set(issue.expression) - awaited) and not dispatched


def _unreadable(looked: _Looked) -> tuple[Unreadable, ...]:
    """Of a call that no rule could be judged with, or that is about something else."""
    if looked.decision:
        return ()
    try:
        facts = read(
            looked.evidence,
            engine.terminology_of(looked.site),
            today=looked.today,
            zone=looked.site.timezone,
            nonspecific_counts=looked.site.accept_nonspecific,
        )
    except CdsError:
        return ()
    return facts.unreadable


# --- the report ---


def _report(looked: _Looked) -> LintReport:
    terminology = engine.terminology_of(looked.site)
    codes = [one for r in looked.resources for one in survey.unrecognised(r, terminology)]
    return LintReport(
        hook=looked.service.hook,
        service=looked.service.id,
        faults=tuple(_places(looked.faults)),
        keys=tuple(looked.keys.values()),
        unreadable=tuple(Place(one.path, one.reason) for one in looked.unreadable),
        codes=tuple(dict.fromkeys(codes)),
        orders=tuple(_orders(looked)),
        rules=tuple(_judged(looked, rule) for rule in looked.service.recommendations),
    )


def _places(issues: Iterable[Issue]) -> Iterator[Place]:
    """Each fault once, at each of its places."""
    found = (Place(path, i.diagnostics) for i in issues for path in i.expression or ("",))
    yield from dict.fromkeys(found)


def _orders(looked: _Looked) -> Iterator[Place]:
    """What each order of the call is taken for; of order-select also those not selected."""
    site, chosen = looked.site, {one.path for one in looked.evidence.drafts}
    for one in looked.evidence.drafts:
        reader = Reader(
            looked.evidence,
            Codes(engine.terminology_of(site)),
            Dates(site.timezone),
            looked.today,
            nonspecific_counts=site.accept_nonspecific,
        )
        kinds = survey.recognised(reader, one)
        yield Place(one.path, ", ".join(kinds) or "not recognised: no rule speaks of it")
    for one in looked.resources if looked.service.hook == "order-select" else ():
        if one.path.startswith("context.") and one.path not in chosen:
            yield Place(one.path, "not in context.selections: not judged")


def _judged(looked: _Looked, rule: Recommendation) -> Judged:
    decision = looked.decision
    if looked.site.rule_modes.get(rule.id) == "off":
        return Judged(rule.id, OFF, "switched off by the site")
    if looked.faults:
        return Judged(rule.id, NO, "the call would be refused: see the faults")
    if decision is None:
        return _lacking(looked, rule)
    if decision.silence:
        told = decision.silence != engine.DECEASED
        why = decision.silence if told else "what prefetch.patient holds rules out cards"
        return Judged(rule.id, NOT_ASKED, why)
    return _by_outcomes(looked, rule, [o for o in decision.outcomes if o.rule == rule.id])


def _by_outcomes(looked: _Looked, rule: Recommendation, outcomes: list[Outcome]) -> Judged:
    states = {outcome.state for outcome in outcomes}
    if State.NOT_JUDGED in states:
        return _lacking(looked, rule)
    if State.UNKNOWN in states:
        return Judged(rule.id, UNSETTLED, "the records leave a criterion open: check --explain")
    return Judged(rule.id, YES)


def _lacking(looked: _Looked, rule: Recommendation) -> Judged:
    """Which of the types a rule needs is not there, or which record of them cannot be read."""
    missing = looked.evidence.missing
    needs = (("Patient",), ("Condition",), *rule.needs)
    groups = [group for group in needs if all(kind in missing for kind in group)]
    states = {kind: looked.state_of(kind) for group in groups for kind in group}
    words = ", ".join(f"{kind} is {state}" for kind, state in states.items())
    needed = {kind for group in rule.needs for kind in group}
    unread = [one.path for one in looked.unreadable if one.resource_type in needed]
    if unread:
        return Judged(rule.id, NO, f"cannot be read: {', '.join(unread)}")
    awaited = all(any(looked.awaits(states[kind]) for kind in group) for group in groups)
    if awaited and looked.request.fhir_server:
        return Judged(rule.id, FETCH, words or "an order of the call is to be fetched")
    return Judged(rule.id, NO, words)
