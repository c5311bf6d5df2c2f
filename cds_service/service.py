"""One CDS service, and the whole way from a request to its cards.

    request -> evidence -> facts -> case -> outcomes -> what is shown -> cards

`decide` is pure: the same request, evidence, day and site give the same decision.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from cds_service.cards import (
    RATIONALE,
    Occasion,
    card,
    criterion,
    left_out,
    without_empties,
)
from cds_service.errors import DataUnavailable, Issue, SettingsError
from cds_service.fhir.read import names_order, read
from cds_service.fhir.resources import Evidence, gather, gather_drafts, relative
from cds_service.guideline import CARD_ORDER, EDITION, PATHWAY_ORDER, RECOMMENDATIONS, ordering
from cds_service.guideline import conventions as c
from cds_service.guideline.case import Case
from cds_service.guideline.finding import Criterion, Outcome, Recommendation, State
from cds_service.guideline.registry import faults, parameters
from cds_service.patient.facts import Facts
from cds_service.patient.when import NO, UNKNOWN
from cds_service.protocol.request import HookRequest
from cds_service.site import Site
from cds_service.terminology import Terminology
from cds_service.terminology.valuesets import default_terminology, site_terminology

UNJUDGED = "org.pht-cds.unjudged"
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
PATHWAY_TAKEN = "another pathway card comes first"
LEVELS = ("critical", "warning", "info")


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
        """Whether the hook's context holds draft orders."""
        return self.hook in ("order-select", "order-sign")


@dataclass(frozen=True, slots=True)
class Withheld:
    """A finding that is not shown, and why."""

    outcome: Outcome
    reason: str


@dataclass(slots=True, kw_only=True)
class Decision:
    """The cards, and everything that explains them and the ones not shown."""

    cards: list[dict[str, Any]] = field(default_factory=list)
    shown: list[Outcome] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    #: why no rule was asked at all
    silence: str = ""
    case: Case | None = None
    today: date
    fixed_today: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(outcome.rule for outcome in self.shown)

    def unjudged(self) -> list[dict[str, str]]:
        """Rules that could not be judged, by rule and side, with what was lacking."""
        lacking = [o for o in self.outcomes if o.state in (State.NOT_JUDGED, State.UNKNOWN)]
        return [
            without_empties(
                {
                    "rule": outcome.rule,
                    "side": outcome.side.value if outcome.side.value != "unknown" else "",
                    "reason": "; ".join(dict.fromkeys(_unknowns(outcome))),
                }
            )
            for outcome in lacking
        ]

    def response(self, *, explain: bool = False) -> dict[str, Any]:
        """The CDS Hooks response body."""
        extension: dict[str, Any] = {}
        if unjudged := self.unjudged():
            extension[UNJUDGED] = {"rules": unjudged}
        if explain:
            extension[RATIONALE] = self.explanation()
        return {"cards": self.cards, **({"extension": extension} if extension else {})}

    def explanation(self) -> dict[str, Any]:
        """Why each rule asked did or did not fire, for the whole answer."""
        return without_empties(
            {
                "edition": EDITION,
                "today": self.today.isoformat(),
                "todayIsFixed": self.fixed_today or None,
                "silence": self.silence,
                "rules": [explained(outcome) for outcome in self.outcomes],
                "withheld": [
                    {**explained(held.outcome), "reason": held.reason} for held in self.withheld
                ],
                "leftOut": left_out(self.case) if self.case else [],
            }
        )


def explained(outcome: Outcome) -> dict[str, Any]:
    return without_empties(
        {
            "rule": outcome.rule,
            "side": outcome.side.value,
            "state": outcome.state.value,
            "variant": outcome.variant,
            "criteria": [criterion(one) for one in outcome.criteria],
        }
    )


def _unknowns(outcome: Outcome) -> list[str]:
    return [
        f"{one.question}: {one.because}" for one in outcome.criteria if one.answer.name == "UNKNOWN"
    ]


def answer(service: Service, request: HookRequest, *, today: date, site: Site) -> Decision:
    """The decision for one request. Raises CdsError: 412 when it cannot be judged."""
    evidence = gather(service.prefetch, request.prefetch, request.patient_id)
    for kind in site.unsupported & evidence.missing.keys():
        evidence.unsupported[kind] = evidence.missing.pop(kind)
    if service.about_orders:
        selected = service.hook == "order-select"
        gather_drafts(evidence, request.context, selected, request.patient_id)
    return decide(service, request, evidence, today=today, site=site)


def decide(
    service: Service, request: HookRequest, evidence: Evidence, *, today: date, site: Site
) -> Decision:
    """Assess every recommendation, then precedence, modes and budget, then cards."""
    decision = Decision(today=today, fixed_today=site.fixed_today is not None)
    terminology = _terminology(site)
    if service.about_orders and not names_order(evidence, terminology, today, site.timezone):
        decision.silence = "no order of this call is one this service speaks of"
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
    decision.outcomes = [o for rule in rules.values() for o in _assess(rule, case)]
    _refuse_if_none_judged(decision.outcomes, evidence, service)
    _choose(decision, rules, case, site)
    occasion = _occasion(service, request, site)
    for outcome in decision.shown:
        also = _other_side(outcome, decision) if rules[outcome.rule].pathway else ()
        decision.cards.append(card(rules[outcome.rule], outcome, case, occasion, also=also))
    return decision


def _silence(facts: Facts, request: HookRequest, site: Site) -> str:
    """Whose chart and whose eyes: reasons to say nothing at all."""
    if facts.patient.deceased:
        return "the patient is recorded as deceased"
    user = relative(request.user_id)
    if not site.advise_patients and user.startswith(("Patient/", "RelatedPerson/")):
        return "the user is the patient or a relative: cards are for clinicians"
    return ""


def _mode(site: Site, rule_id: str) -> str:
    return site.rule_modes.get(rule_id, "on")


# --- assess ---


def _assess(rule: Recommendation, case: Case) -> list[Outcome]:
    kinds = {order.kind for order in case.facts.orders}
    if rule.orders and kinds and not kinds & set(rule.orders):
        return ordering.none_ordered(rule.id, rule.orders[0].value)
    if not case.sides and not (rule.orders and kinds):
        return [_no_disease(rule, case)]
    lacking = [
        f"{' or '.join(group)} could not be obtained"
        for group in rule.needs
        if all(kind in case.facts.missing for kind in group)
    ]
    if lacking:
        return [_not_judged(rule, why) for why in lacking[:1]]
    outcomes = rule.assess(case) or [_no_disease(rule, case)]
    return [_as_far_as_readable(rule, outcome, case) for outcome in outcomes]


def _no_disease(rule: Recommendation, case: Case) -> Outcome:
    possible = any(not d.certain for d in case.facts.diagnoses)
    because = "only a condition that may be PHT is on record" if possible else "none on record"
    criterion = Criterion("active proximal hamstring tendinopathy", NO, because)
    return Outcome(rule=rule.id, state=State.NOT_MET, criteria=(criterion,))


def _not_judged(rule: Recommendation, why: str) -> Outcome:
    criterion = Criterion("the data this rule needs", UNKNOWN, why)
    return Outcome(rule=rule.id, state=State.NOT_JUDGED, criteria=(criterion,))


def _as_far_as_readable(rule: Recommendation, outcome: Outcome, case: Case) -> Outcome:
    """A relevant record that cannot be read leaves open what rests on its absence."""
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
    reasons = [Issue("error", "incomplete", "; ".join(_unknowns(o))) for o in outcomes]
    raise DataUnavailable.of(missing or reasons)


# --- choose ---


def _choose(
    decision: Decision, rules: Mapping[str, Recommendation], case: Case, site: Site
) -> None:
    """Modes, one pathway card over both sides, order, and the budget (G8)."""
    fired = [o for o in decision.outcomes if o.state is State.FIRED]
    for outcome in [o for o in fired if _mode(site, o.rule) == "shadow"]:
        decision.withheld.append(Withheld(outcome, "the rule is in shadow mode"))
    live = [o for o in fired if _mode(site, o.rule) == "on"]
    for outcome in [o for o in live if _yields(rules[o.rule], o, live)]:
        live.remove(outcome)
        decision.withheld.append(Withheld(outcome, "a card that says more of the same comes first"))
    pathway = sorted((o for o in live if rules[o.rule].pathway), key=_pathway_rank)
    for outcome in pathway[1:]:
        decision.withheld.append(Withheld(outcome, PATHWAY_TAKEN))
    others = [o for o in live if not rules[o.rule].pathway]
    ranked = sorted((*others, *pathway[:1]), key=_card_rank)
    budget = case.whole(c.CARD_BUDGET)
    decision.shown = ranked[:budget]
    for outcome in ranked[budget:]:
        decision.withheld.append(Withheld(outcome, f"more than {budget} cards"))


def _yields(rule: Recommendation, outcome: Outcome, live: Sequence[Outcome]) -> bool:
    """Another rule that it yields to speaks of the same order (rules off or in shadow do not)."""
    return any(
        other.rule in rule.yields_to
        and (set(other.about) & set(outcome.about) or not outcome.about)
        for other in live
    )


def _pathway_rank(outcome: Outcome) -> tuple[int, float, str]:
    for rank, (rule, variants) in enumerate(PATHWAY_ORDER):
        if rule == outcome.rule and (variants is None or outcome.variant in variants):
            return rank, -outcome.weight, outcome.side.value
    return len(PATHWAY_ORDER), -outcome.weight, outcome.side.value


def _card_rank(outcome: Outcome) -> tuple[int, int, str]:
    order = [*CARD_ORDER, *(r.id for r in RECOMMENDATIONS if r.id not in CARD_ORDER)]
    return LEVELS.index(outcome.indicator), order.index(outcome.rule), outcome.side.value


def _other_side(outcome: Outcome, decision: Decision) -> tuple[str, ...]:
    """What else the pathway would say: of the other side, or of load management, as a line."""
    lines = []
    for held in decision.withheld:
        advice, side = held.outcome.advice, held.outcome.side
        if advice is None or held.reason != PATHWAY_TAKEN:
            continue
        if held.outcome.rule == "load-management-missing":
            lines.append(advice.summary)
        elif side is not outcome.side and not any("Other side" in line for line in lines):
            lines.append(f"Other side ({side.words}): {advice.summary}")
    return tuple(lines)


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
    )


# --- site ---


def _terminology(site: Site) -> Terminology:
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
    for fault in faults(site.parameters):
        raise SettingsError(fault)
    value_sets = ["pht", *default_terminology().value_sets]
    _check_names("[codes.{}] is not a value set", site.codes, value_sets)
    words = "CDS_SERVICE_UNSUPPORTED: {} is not a type that can be left out"
    _check_names(words, site.unsupported, sorted(OPTIONAL))


def _check_names(fault: str, given: Iterable[str], known: list[str]) -> None:
    """A misspelt name would silently do nothing: stop, and name the nearest one."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(fault.format(name) + hint)
