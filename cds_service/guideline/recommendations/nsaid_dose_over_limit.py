"""nsaid-dose-over-limit: ibuprofen beyond the source's daily ceiling.

Source says: "Ibuprofen (1.2g daily initially, can be increased to 2.4g if needed)" (Initial
  Management, First-line Treatments, C08, C09).
Evidence: moderate for the cardiovascular point (EMA), expert opinion for the ceiling; the dose was
  probably taken from arthritis guidance.
Origin: article C08, C09
When: PHT is active, ibuprofen is ordered, and the highest daily doses of the order and of all
  active systemic ibuprofen together are more than 2400 mg: warning `over-2400`; more than 3200 mg:
  critical `over-3200`. 2400 mg exactly is silent.
Unless: topical; another NSAID (the source sets no limit); PHT is not active.
Then: offer 400 mg three times a day when the total then is 2400 mg or less, else to remove the
  order; a topical NSAID when nothing speaks against it.
Unsure: a dose or timing that is not computable is silent and named here; as needed counts the
  maximum per period, else the timing.
"""

from __future__ import annotations

from cds_service.guideline import ordering
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Change,
    Criterion,
    Indicator,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Used,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.facts import Care, CareKind, Order, OrderKind
from cds_service.patient.sides import NOT_STATED
from cds_service.patient.when import UNKNOWN, Answer

CEILING = Parameter(
    name="ibuprofen-ceiling",
    value=2400,
    unit="mg a day",
    source=s.ARTICLE,
    place="Initial Management, First-line Treatments (C09, A13)",
    quote="can be increased to 2.4g if needed",
    reading="2400 mg exactly is allowed",
    safe=(1200, 2400),
)
MAXIMUM = Parameter(
    name="ibuprofen-maximum",
    value=3200,
    unit="mg a day",
    source=s.FDA_LABEL,
    place="nsaid-dose-over-limit (A13)",
    quote="",
    reading="the maximum of the US label",
    safe=(2400, 3200),
)
STARTING_DOSE = 1200  # mg a day: what the offered lower dose amounts to (C08)


def assess(case: Case) -> list[Outcome]:
    orders = [
        o for o in ordering.orders(case, OrderKind.NSAID) if _counts(o.ingredient, o.systemic)
    ]
    if not orders:
        return ordering.none_ordered(RULE.id, "ibuprofen")
    return [_assess_orders(case, orders)]


def _counts(ingredient: str, systemic: bool) -> bool:
    return ingredient == "ibuprofen" and systemic


def _assess_orders(case: Case, orders: list[Order]) -> Outcome:
    """All drafts of ibuprofen together: the patient takes their sum."""
    drafts = {draft.reference for order in orders for draft in order.drafts}
    running = [c for c in _running(case) if c.reference not in drafts]
    parts = [*_ordered(orders), *_taken(running)]
    problems = [
        p for p in (*(o.dose_problem for o in orders), *(c.dose_problem for c in running)) if p
    ]
    total = sum(o.daily_mg or 0 for o in orders) + sum(c.daily_mg or 0 for c in running)
    common = (
        ordering.ordered(orders[0]),
        ordering.disease(case),
        Criterion(
            "all doses can be computed",
            UNKNOWN if problems else Answer.YES,
            listed(list(dict.fromkeys(problems))) or "computed",
            tuple(parts),
        ),
    )
    levels: tuple[tuple[Parameter, Indicator], ...] = (
        (MAXIMUM, "critical"),
        (CEILING, "warning"),
    )
    variants = tuple(
        Variant(
            f"over-{parameter.value:g}",
            indicator,
            (
                Criterion(
                    f"more than {case[parameter]:g} mg a day",
                    Answer.of(total > case[parameter]),
                    f"{total:g} mg a day",
                ),
            ),
            lambda: _advise(case, orders, total, tuple(parts)),
        )
        for parameter, indicator in levels
    )
    about = tuple(sorted(drafts))
    return judge(RULE.id, NOT_STATED, common, variants, about=about)


def _running(case: Case) -> list[Care]:
    return [
        care
        for care in case.facts.care
        if care.kind is CareKind.NSAID and care.ongoing and _counts(care.ingredient, care.systemic)
    ]


def _ordered(orders: list[Order]) -> list[Used]:
    return [
        Used(o.reference, f"{o.label}, ordered: {_mg(o.daily_mg)}", str(o.planned)) for o in orders
    ]


def _taken(running: list[Care]) -> list[Used]:
    return [Used(c.reference, f"{c.label}: {_mg(c.daily_mg)}", str(c.start or "")) for c in running]


def _mg(daily: float | None) -> str:
    return "dose not computable" if daily is None else f"{daily:g} mg a day"


def _advise(case: Case, orders: list[Order], total: float, parts: tuple[Used, ...]) -> Advice:
    return Advice(
        summary=f"Ibuprofen total {total:g} mg/day; source ceiling is {case[CEILING]:g} mg/day",
        ask="Lower the dose, or offer a topical NSAID instead.",
        facts=cited(parts),
        source=(
            "Source: start with 1.2 g a day, may rise to 2.4 g if needed; short-term effect only.",
            "EMA: a small cardiovascular risk at 2400 mg a day or more, none seen at 1200 mg or"
            " less (not from the article).",
        ),
        suggestions=_suggestions(case, orders, total),
    )


def _suggestions(case: Case, orders: list[Order], total: float) -> tuple[Suggestion, ...]:
    highest = max(orders, key=lambda order: (order.daily_mg or 0, order.reference))
    removed = ordering.delete(highest)
    offered: list[Suggestion] = []
    lowered = total - (highest.daily_mg or 0) + STARTING_DOSE
    if removed and lowered <= case[CEILING]:
        label = "Change the order to 400 mg three times a day"
        offered.append(Suggestion(label, change=Change.REDUCE_DOSE, drafts=highest.drafts))
    else:
        offered += removed
    if not case.gate.any_nsaid:
        offered.append(Suggestion("Prescribe a topical NSAID", Treat.TOPICAL_NSAID))
    return tuple(offered)


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",), ("MedicationStatement", "MedicationRequest")),
    parameters=(CEILING, MAXIMUM),
    override_reasons=("directed-by-specialist", "different-site", "record-wrong", "not-daily"),
    sources=(s.EMA_IBUPROFEN, s.WILSON_2005),
    assess=assess,
    orders=(OrderKind.NSAID,),
    at_most_one=True,
)
