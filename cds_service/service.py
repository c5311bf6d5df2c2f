"""One CDS service, and the whole way from a request to its cards.

    request -> evidence -> facts -> case -> outcomes -> what is shown -> cards

`decide` is pure: the same request, evidence, day and site give the same decision.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cds_service.cards import Occasion, card
from cds_service.choice import Choice, choose
from cds_service.decision import Decision, unknowns
from cds_service.errors import DataUnavailable, Issue, SettingsError
from cds_service.fhir.client import FhirClient
from cds_service.fhir.context import gather_context
from cds_service.fhir.prefetch import Fetcher, add_medications
from cds_service.fhir.proposed import names_condition
from cds_service.fhir.read import may_name_order, names_order, read
from cds_service.fhir.resources import Evidence, gather, relative
from cds_service.guideline import RECOMMENDATIONS, ordering
from cds_service.guideline import conventions as c
from cds_service.guideline.case import Case
from cds_service.guideline.finding import Criterion, Outcome, Recommendation, State
from cds_service.guideline.overrides import REASONS
from cds_service.guideline.registry import faults, parameters
from cds_service.patient.facts import Facts
from cds_service.patient.when import NO, UNKNOWN
from cds_service.protocol.hooks import HOOKS
from cds_service.protocol.request import HookRequest
from cds_service.repeats import NOTHING, History
from cds_service.site import ALL, DEFAULT, NO_REASON, Site
from cds_service.terminology import Terminology
from cds_service.terminology.valuesets import default_terminology, site_terminology

#: resource types a site may declare its EHR not to have
OPTIONAL = frozenset(
    {
        "AllergyIntolerance",
        "CarePlan",
        "Goal",
        "MedicationAdministration",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "ServiceRequest",
    }
)


DECEASED = "the patient is recorded as deceased"
#: the hook whose context holds conditions
ADDING = "problem-list-item-create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A CDS service as its hook file declares it."""

    id: str
    hook: str
    title: str
    description: str
    usage_requirements: str
    prefetch: Mapping[str, str]
    recommendations: tuple[Recommendation, ...]

    @property
    def about_orders(self) -> bool:
        """Whether the hook's context names orders, or bookings of what was ordered."""
        return self.hook in HOOKS and HOOKS[self.hook].orders


def answer(
    service: Service,
    request: HookRequest,
    *,
    today: date,
    site: Site,
    client: FhirClient | None = None,
    history: History = NOTHING,
) -> Decision:
    """The decision for one request; `client` fetches what it did not bring.

    Raises CdsError: 412 when it cannot be judged.
    """
    evidence = obtain(service, request, today=today, site=site, client=client)
    return decide(service, request, evidence, today=today, site=site, history=history)


def obtain(
    service: Service,
    request: HookRequest,
    *,
    today: date,
    site: Site,
    client: FhirClient | None = None,
) -> Evidence:
    """What the request brought, and what `client` could fetch beside it. Raises CdsError."""
    if client and plainly_off_topic(service, request, today, site):
        client = None
    with Fetcher(client, request, site.unsupported) as fetcher:
        evidence = gather(service.prefetch, request.prefetch, request.patient_id, fetcher.complete)
        for kind in site.unsupported & evidence.missing.keys():
            evidence.unsupported[kind] = evidence.missing.pop(kind)
        gather_context(service.hook, request.context, evidence, request.patient_id, fetcher.read)
        add_medications(evidence, fetcher)
    return evidence


def plainly_off_topic(service: Service, request: HookRequest, today: date, site: Site) -> bool:
    """Whether drafts alone tell that no rule speaks of them: then no chart is fetched for them."""
    if service.hook not in ("order-select", "order-sign"):
        return False
    alone = Evidence()
    gather_context(service.hook, request.context, alone, request.patient_id)
    return not may_name_order(alone, terminology_of(site), today)


def decide(
    service: Service,
    request: HookRequest,
    evidence: Evidence,
    *,
    today: date,
    site: Site,
    history: History = NOTHING,
) -> Decision:
    """Assess every recommendation, then modes, precedence, repeats and budget, then cards.

    `history` holds what this user did with earlier cards about this patient.
    """
    decision = Decision(today=today, fixed_today=site.fixed_today is not None)
    terminology = terminology_of(site)
    decision.silence = _off_topic(service, evidence, terminology, today, site)
    if decision.silence:
        return decision
    facts = read(
        evidence,
        terminology,
        today=today,
        zone=site.timezone,
        nonspecific_counts=site.accept_nonspecific,
    )
    decision.silence = _silence(facts, request, site)
    if decision.silence:
        return decision
    case = Case(facts, today, site.parameters)
    rules = {r.id: r for r in service.recommendations if _mode(site, r.id) != "off"}
    decision.case = case
    decision.asked = tuple(rules.values())
    decision.off = tuple(r.id for r in service.recommendations if r.id not in rules)
    decision.outcomes = [
        _of_what_is_added(outcome, evidence)
        for rule in rules.values()
        for outcome in _assess(rule, case)
    ]
    _refuse_if_none_judged(decision.outcomes, evidence, service)
    decision.choice = _choice(decision.outcomes, rules, case, site, history)
    decision.occasion = occasion = _occasion(service, request, site)
    for outcome in decision.shown:
        also = decision.choice.beside(outcome) if rules[outcome.rule].pathway else ()
        decision.cards.append(card(rules[outcome.rule], outcome, case, occasion, also=also))
    return decision


def _choice(
    outcomes: Sequence[Outcome],
    rules: Mapping[str, Recommendation],
    case: Case,
    site: Site,
    history: History,
) -> Choice:
    def repeats(outcome: Outcome) -> str | None:
        return history.repeats(outcome, site.repeats, case.today)

    choice = choose(outcomes, rules, site.silenced, case.whole(c.CARD_BUDGET), repeats)
    return choice.all_silent(site.withheld[ALL]) if ALL in site.withheld else choice


def _off_topic(
    service: Service, evidence: Evidence, terminology: Terminology, today: date, site: Site
) -> str:
    """Whether the call is about something else: then it needs no chart."""
    if service.about_orders and not names_order(evidence, terminology, today, site.timezone):
        return "no order of this call is one this service speaks of"
    nonspecific = site.accept_nonspecific
    if service.hook == ADDING and not names_condition(
        evidence, terminology, nonspecific_counts=nonspecific
    ):
        return "no condition being added is one this service speaks of"
    return ""


def _silence(facts: Facts, request: HookRequest, site: Site) -> str:
    """Whose chart and whose eyes: reasons to say nothing at all."""
    if facts.patient.deceased:
        return DECEASED
    user = relative(request.user_id)
    if not site.advise_patients and user.startswith(("Patient/", "RelatedPerson/")):
        return "the user is the patient or a relative: cards are for clinicians"
    return ""


def _mode(site: Site, rule_id: str) -> str:
    return site.rule_modes.get(rule_id, "on")


# --- assess ---


def _assess(rule: Recommendation, case: Case) -> list[Outcome]:
    if rule.orders and case.ordered and case.ordered.isdisjoint(rule.orders):
        return ordering.none_ordered(rule.id, rule.orders[0].value)
    if not case.sides and not (rule.orders and case.ordered):
        return [_no_disease(rule, case)]
    for group in rule.needs if case.facts.missing else ():
        if all(kind in case.facts.missing for kind in group):
            return [_not_judged(rule, f"{' or '.join(group)} could not be obtained")]
    outcomes = rule.assess(case) or [_no_disease(rule, case)]
    return [_as_far_as_readable(rule, outcome, case) for outcome in outcomes]


def _no_disease(rule: Recommendation, case: Case) -> Outcome:
    possible = any(not d.certain for d in case.facts.diagnoses)
    because = "only a condition that may be PHT is on record" if possible else "none on record"
    criterion = Criterion("active proximal hamstring tendinopathy", NO, because)
    return Outcome(rule=rule.id, state=State.NOT_MET, criteria=(criterion,))


def _of_what_is_added(outcome: Outcome, evidence: Evidence) -> Outcome:
    """Where conditions are being added, only what rests on one of them is told (G12)."""
    if not evidence.added or outcome.state not in (State.FIRED, State.UNKNOWN):
        return outcome
    if any(used.reference in evidence.added for asked in outcome.criteria for used in asked.facts):
        return outcome
    criterion = Criterion("about a condition being added", NO, "it rests on others")
    return Outcome(rule=outcome.rule, side=outcome.side, state=State.NOT_MET, criteria=(criterion,))


def _not_judged(rule: Recommendation, why: str) -> Outcome:
    criterion = Criterion("the data this rule needs", UNKNOWN, why)
    return Outcome(rule=rule.id, state=State.NOT_JUDGED, criteria=(criterion,))


def _as_far_as_readable(rule: Recommendation, outcome: Outcome, case: Case) -> Outcome:
    """A relevant record that cannot be read leaves open what rests on its absence."""
    if not case.facts.unreadable:
        return outcome
    needed = {kind for group in rule.needs for kind in group}
    unread = [u for u in case.facts.unreadable if u.resource_type in needed]
    # A count of injections stands on what is there; it falls only with an operation.
    stands = outcome.state is State.FIRED and not rule.pathway
    if not unread or (stands and not any(u.surgery for u in unread)):
        return outcome
    return _not_judged(rule, f"{unread[0].reference} cannot be read ({unread[0].path})")


def _refuse_if_none_judged(
    outcomes: Sequence[Outcome], evidence: Evidence, service: Service
) -> None:
    """412: never an empty answer that reads as 'all is well'."""
    if not outcomes or any(o.state is not State.NOT_JUDGED for o in outcomes):
        return
    keys = {template.split("?")[0].split("/")[0]: key for key, template in service.prefetch.items()}
    missing = [
        Issue("error", "incomplete", f"{kind}: {why}", (f"prefetch.{keys.get(kind, kind)}",))
        for kind, why in evidence.missing.items()
    ]
    reasons = [Issue("error", "incomplete", "; ".join(unknowns(o))) for o in outcomes]
    raise DataUnavailable.of(missing or reasons)


def _occasion(service: Service, request: HookRequest, site: Site) -> Occasion:
    user = relative(request.user_id)
    clinician = user.startswith(("Practitioner/", "PractitionerRole/"))
    return Occasion(
        seed=f"{service.id}|{request.hook_instance}|{request.patient_id}",
        public_url=site.public_url,
        patient=request.patient_id,
        requester=user if clinician else None,
        encounter=request.encounter_id,
        today_is_fixed=site.fixed_today is not None,
        smart_app=site.smart_app,
    )


# --- site ---


def terminology_of(site: Site) -> Terminology:
    """The value sets, with the site's own codes."""
    if not site.codes:
        return default_terminology()
    frozen = tuple(
        (value_set, tuple((system, tuple(codes)) for system, codes in systems.items()))
        for value_set, systems in site.codes.items()
    )
    return _built(frozen)


@lru_cache(maxsize=8)
def _built(codes: tuple[Any, ...]) -> Terminology:
    return site_terminology({name: dict(systems) for name, systems in codes})


def check_site(site: Site) -> None:
    """Raises SettingsError for names the guideline does not know and unsafe parameter values."""
    _check_names("[rules.{}] is not a rule", site.rule_modes, [r.id for r in RECOMMENDATIONS])
    _check_names("parameters.{} is not a parameter", site.parameters, list(parameters()))
    reasons = [*REASONS, DEFAULT, NO_REASON]
    _check_names("repeats.info.{} is not an override reason", site.repeats.info, reasons)
    _check_names("repeats.warning.{} is not an override reason", site.repeats.warning, reasons)
    for fault in faults(site.parameters):
        raise SettingsError(fault)
    value_sets = ["pht", *default_terminology().value_sets]
    _check_names("[codes.{}] is not a value set", site.codes, value_sets)
    words = "CDS_SERVICE_UNSUPPORTED: {} is not a type that can be left out"
    _check_names(words, site.unsupported, sorted(OPTIONAL))


def check_rule(rule: str) -> None:
    """Raises SettingsError for what is no rule's id, naming the nearest one."""
    _check_names("{} is not a rule", [rule], [r.id for r in RECOMMENDATIONS])


def _check_names(fault: str, given: Iterable[str], known: list[str]) -> None:
    """A misspelt name would silently do nothing: stop, and name the nearest one."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(fault.format(name) + hint)
