"""loading-programme-missing: PHT treated, or left, without progressive loading.

Source says: "Relying solely on passive treatments: Active rehabilitation with progressive loading
  is essential for tendon remodeling" (Pitfall 3, C40); "Implement eccentric strengthening or heavy
  slow resistance training program" (Treatment Algorithm step 2, C44).
Evidence: low; a panel of expert physiotherapists agrees (Nasser 2021, Phys Ther Sport).
Origin: article C40, C11, C44
When: diagnosed 28 days ago or more, no loading in the episode: with passive or drug treatment
  that certainly began 28 days ago or more a warning `passive-only`, else an info
  `none-documented`. Or loading is documented but ended more than 60 days ago after less than 90
  days: info `lapsed`.
Unless: an active physiotherapy referral at most 42 days old (silences all variants);
  physiotherapy of unrecorded content; surgery on this side in this episode; age under 18.
Then: offer physiotherapy (eccentric or heavy slow resistance) and a load-management plan.
Unsure: diagnosis date missing: onset; neither: silent.
"""

from __future__ import annotations

from cds_service.guideline import conventions as c
from cds_service.guideline import criteria as ask
from cds_service.guideline import redflags
from cds_service.guideline import sources as s
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Variant,
    judge,
)
from cds_service.guideline.header import Header
from cds_service.guideline.wording import cited
from cds_service.patient.facts import CareKind
from cds_service.patient.timeline import SideTimeline, Treatment
from cds_service.patient.when import NO, UNKNOWN, Answer

PASSIVE_SINCE = Parameter(
    name="loading-passive-days",
    value=28,
    unit="days",
    source=s.ARTICLE,
    place="Initial Management (0-4 weeks); Pitfall 3 (C03, C40)",
    quote="Relying solely on passive treatments",
    reading="passive treatment alone for the length of the initial phase",
    safe=(14, 56),
)
LAPSED_UNDER = Parameter(
    name="loading-lapsed-under-days",
    value=90,
    unit="days",
    source=s.READING,
    place="loading-programme-missing",
    quote="3-6 months of well-managed conservative therapy",
    reading="a programme that ended earlier was not a full course",
    safe=(56, 180),
)


def assess(case: Case) -> list[Outcome]:
    return [_assess_side(case, side) for side in case.sides]


def _assess_side(case: Case, side: SideTimeline) -> Outcome:
    treatments = ask.first_treatment(side, with_physiotherapy=False)
    missing = (
        ask.diagnosed_at_least(case, side, case[c.INITIAL_PHASE]),
        ask.no_loading(side),
    )
    passive = ask.treated_for(case, treatments, at_least=case[PASSIVE_SINCE])
    common = (*ask.pathway_population(case, side), ask.no_physio_referral(case, side))
    variants = (
        Variant(
            "passive-only", "warning", (*missing, passive), lambda: _advise(case, side, treatments)
        ),
        Variant("none-documented", "info", missing, lambda: _advise(case, side, treatments)),
        Variant("lapsed", "info", _lapsed(case, side), lambda: _advise_lapsed(side)),
    )
    days = ask.days_since_diagnosis(case, side)
    return judge(RULE.id, side.side, common, variants, weight=days.least if days else 0)


def _lapsed(case: Case, side: SideTimeline) -> tuple[Criterion, ...]:
    gap, full = case[c.LOADING_GAP], case[LAPSED_UNDER]
    question = f"loading ended more than {gap:g} days ago, after less than {full:g} days"
    possible = side.unspecified_physiotherapy
    since = Criterion(
        "no physiotherapy of unrecorded content in this episode",
        Answer.of(not possible),
        "on record" if possible else "none on record",
        tuple(ask.used_care(care) for care in possible),
    )
    clock = side.clock
    if clock is None:
        answer = UNKNOWN if side.loading else NO
        return Criterion(question, answer, "no dated loading on record"), since
    answer = clock.idle.more_than(gap) & clock.days.less_than(full)
    because = f"{clock.days} days of loading, ended {clock.idle} days ago"
    facts = tuple(ask.used_care(care) for care in side.loading)
    return Criterion(question, answer, because, facts), since


# --- words ---


def _advise(case: Case, side: SideTimeline, treatments: tuple[Treatment, ...]) -> Advice:
    days = ask.days_since_diagnosis(case, side)
    since = days.least if days else 0
    summary = (
        f"No progressive loading recorded for hamstring tendinopathy ({since} days since diagnosis)"
    )
    done = cited(ask.used_treatment(treatment) for treatment in treatments)
    return _advice(
        side,
        summary,
        (*cited(ask.diagnoses(side)), *(done or ("No treatment on record in this episode",))),
    )


def _advise_lapsed(side: SideTimeline) -> Advice:
    clock = side.clock
    idle, days = (clock.idle.least, clock.days.most) if clock else (0, 0)
    summary = (
        f"Loading for hamstring tendinopathy ended {idle} days ago after {days} days;"
        " nothing recorded since"
    )
    return _advice(side, summary, cited(ask.used_care(care) for care in side.loading))


def _advice(side: SideTimeline, summary: str, facts: tuple[str, ...]) -> Advice:
    suggestions = [
        Suggestion("Refer to physiotherapy for progressive loading", Treat.PHYSIOTHERAPY, True)
    ]
    if not side.care(CareKind.LOAD_MANAGEMENT):
        suggestions.append(Suggestion("Add a load-management plan", Treat.LOAD_MANAGEMENT))
    return Advice(
        summary=summary,
        ask="Start or resume progressive loading: eccentric or heavy slow resistance.",
        facts=facts,
        source=(
            "Source, pitfall 3: active rehabilitation with progressive loading is essential for"
            " tendon remodelling.",
            "The source's clocks for step-up treatment and a surgical opinion start with loading.",
        ),
        unknown=("If loading was done elsewhere, record its start date and provider.",),
        suggestions=tuple(suggestions),
    )


RULE = Recommendation(
    header=Header.read(__doc__),
    needs=(("Patient",), ("Condition",), ("Procedure",), ("ServiceRequest",)),
    parameters=(
        c.INITIAL_PHASE,
        PASSIVE_SINCE,
        LAPSED_UNDER,
        c.LOADING_GAP,
        c.PHYSIO_REFERRAL,
        c.MINIMUM_AGE,
        redflags.OBSERVED,
    ),
    override_reasons=(
        "already-done",
        "patient-declined",
        "service-not-available",
        "not-surgical-candidate",
    ),
    sources=(s.WILSON_2005, s.KRUEGER_2020),
    assess=assess,
    pathway=True,
)
