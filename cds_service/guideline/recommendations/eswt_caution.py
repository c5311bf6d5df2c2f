"""eswt-caution: shockwave ordered where something on record speaks against it.

Source says: nothing; this rule is external.
Evidence: practice guideline, expert consensus (Tenforde 2022, table 9); absolute and relative
  contraindications mixed.
Origin: EXTERNAL (not in the article)
When: shockwave at the hamstring origin, or without a site while PHT is active, is ordered and
  pregnancy, malignancy at the site, a coagulation disorder, an anticoagulant or age under 18
  (open growth plate) is on record: warning.
Unless: none of them is on record; a suspected malignancy is an encounter diagnosis without a
  clinical status recorded more than 365 days ago.
Then: name the item and whether it is absolute or relative; offer to remove the order.
Unsure: unknown is silent, and named where the medicines could not be obtained; possible only is an
  info. Infection at the site has no verified code and is not read.
"""

from __future__ import annotations

from functools import partial

from cds_service.guideline import conventions as c
from cds_service.guideline import ordering, redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Indicator,
    Outcome,
    Recommendation,
    Used,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited, listed
from cds_service.patient.facts import Caution, FlagKind, Order, OrderKind
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, Days

MEDICINES = ("MedicationRequest", "MedicationStatement")
ABSOLUTE = ("pregnancy", "suspected malignancy of the pelvis or thigh", "malignancy at the site")


def assess(case: Case) -> list[Outcome]:
    orders = ordering.orders(case, OrderKind.SHOCKWAVE)
    if not orders:
        return ordering.none_ordered(RULE.id, "shockwave")
    return [_assess_order(case, order) for order in orders]


def _assess_order(case: Case, order: Order) -> Outcome:
    reasons = _reasons(case)
    young = redflags.under_age(case)
    lacking = ordering.unseen(case, MEDICINES)
    sure = tuple(used for used in reasons if used.certain)
    asked = ordering.on_record("something on record speaks against shockwave", sure, lacking)
    doubtful = ordering.on_record("something perhaps speaks against it", reasons, lacking)
    ages = case.facts.patient.age(case.today)
    words = f"age {Days(*ages)}" if ages else "no birth date on record"
    least = f"{case[c.MINIMUM_AGE]:g}"
    under = Criterion(f"age under {least}", Answer.of(young is YES), words)
    perhaps = Criterion(f"age perhaps under {least}", Answer.of(young is UNKNOWN), words)
    level: Indicator = "info" if order.unclear else "warning"
    advise = partial(_advise, case, order, reasons, young)
    variants = (
        Variant("", level, (asked,), advise),
        Variant("", level, (under,), advise),
        Variant("", "info", (doubtful,), advise),
        Variant("", "info", (perhaps,), advise),
    )
    common = (ordering.ordered(order), ordering.aimed(case, order))
    side = ordering.side(case, order)
    return judge(RULE.id, side, common, variants, about=ordering.about(order))


def _reasons(case: Case) -> tuple[Used, ...]:
    against = (Caution.COAGULOPATHY, Caution.ANTICOAGULANT, Caution.PREGNANCY)
    findings = [f for f in case.cautions if f.caution in against]
    local = [f for f in case.cautions if f.caution is Caution.MALIGNANCY and f.at_site]
    flagged = [f for f in case.facts.flags if f.kind is FlagKind.MALIGNANCY]
    return (
        *(Used(f.reference, f.label, str(f.when or "")) for f in findings),
        *(Used(f.reference, "malignancy at the site", str(f.when or "")) for f in local),
        *redflags.facts(flagged, partial(redflags.current, case)),
    )


def _advise(case: Case, order: Order, reasons: tuple[Used, ...], young: Answer) -> Advice:
    words = list(dict.fromkeys(used.words for used in reasons))
    if young is not NO:
        words.append("age under 18" if young is YES else "age perhaps under 18")
    absolute = [word for word in words if word in ABSOLUTE]
    relative = [word for word in words if word not in ABSOLUTE]
    grades = [
        f"{name.capitalize()} contraindication: {listed(items)}."
        for name, items in (("absolute", absolute), ("relative", relative))
        if items
    ]
    shown = words if len(words) <= SHOWN else [*words[:SHOWN], "more"]
    return Advice(
        summary=f"Check before shockwave: {listed(shown)}",
        ask="Check whether shockwave is right for this patient.",
        facts=cited(reasons),
        source=(*grades, "Also consider a recent steroid injection (Tenforde 2022, table 9)."),
        unknown=ordering.unknown(case, order),
        suggestions=ordering.delete(order),
    )


SHOWN = 2  # items in the summary, which is short

RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Condition",),),
    parameters=(c.MINIMUM_AGE, c.PREGNANCY),
    override_reasons=("directed-by-specialist", "benefit-outweighs-risk", "record-wrong"),
    sources=(s.TENFORDE_2022,),
    assess=assess,
    orders=(OrderKind.SHOCKWAVE,),
    external=True,
)
