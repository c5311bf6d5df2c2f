"""Parameters that several rules share (guideline G3 to G16)."""

from __future__ import annotations

from cds_service.guideline.evidence import Parameter
from cds_service.guideline.sources import ARTICLE, READING, RISSER_2009

SAME_INJECTION = Parameter(
    name="injection-same-days",
    value=1,
    unit="days",
    source=READING,
    place="G4, A28",
    quote="4-6 weeks between injections",
    reading="the interval presupposes sessions: records of one side a day apart are one injection",
    safe=(0, 3),
)
ORDER_BEFORE_INJECTION = Parameter(
    name="injection-order-days",
    value=30,
    unit="days",
    source=READING,
    place="G4",
    quote="",
    reading="a completed order this long before an injection is the order for it",
    safe=(7, 60),
)
ENCOUNTER_DIAGNOSIS = Parameter(
    name="episode-encounter-diagnosis-days",
    value=365,
    unit="days",
    source=READING,
    place="G3",
    quote="",
    reading="an encounter diagnosis without a status counts as active this long",
    safe=(90, 730),
)
LOADING_GAP = Parameter(
    name="loading-gap-days",
    value=60,
    unit="days",
    source=READING,
    place="G13, A06",
    quote="3-6 months of well-managed conservative therapy",
    reading="a longer gap between loading records restarts the clock, or is a lapse",
    safe=(28, 90),
)
MINIMUM_AGE = Parameter(
    name="population-minimum-age",
    value=18,
    unit="years",
    source=READING,
    place="G1, A26",
    quote="",
    reading="the source has no paediatric content: pathway cards are for adults",
    safe=(18, 21),
)
VISA_H_GAIN = Parameter(
    name="improvement-visa-h",
    value=13,
    unit="points",
    source=READING,
    place="G14, A09",
    quote="If minimal improvement after 4-8 weeks",
    reading="13 is the anchor-based change of VISA-P; VISA-H has none confirmed (range 8-22)",
    safe=(8, 22),
)
PAIN_FALL = Parameter(
    name="improvement-pain-points",
    value=2,
    unit="points of 0-10",
    source=READING,
    place="G14, A09",
    quote="If minimal improvement after 4-8 weeks",
    safe=(1, 4),
)
PAIN_FRACTION = Parameter(
    name="improvement-pain-fraction",
    value=0.3,
    unit="fraction of the baseline",
    source=READING,
    place="G14, A09",
    quote="If minimal improvement after 4-8 weeks",
    safe=(0.2, 0.5),
)
BASELINE_WINDOW = Parameter(
    name="improvement-baseline-days",
    value=28,
    unit="days",
    source=READING,
    place="G14",
    quote="",
    reading="the baseline is the score nearest the start of loading within this time",
    safe=(7, 42),
)
LATEST_WINDOW = Parameter(
    name="improvement-latest-days",
    value=42,
    unit="days",
    source=READING,
    place="G14, A09",
    quote="",
    reading="an older score says nothing about today",
    safe=(14, 90),
)
PHYSIO_REFERRAL = Parameter(
    name="referral-physio-days",
    value=42,
    unit="days",
    source=READING,
    place="initial-plan, loading-programme-missing",
    quote="",
    reading="an active referral this recent may not have led to a first visit yet",
    safe=(14, 90),
)
COMPLETED_REFERRAL = Parameter(
    name="referral-completed-days",
    value=365,
    unit="days",
    source=READING,
    place="surgical-referral-consider",
    quote="",
    reading="an opinion given this recently still stands",
    safe=(90, 730),
)
CONSIDER_SURGERY = Parameter(
    name="surgery-consider-days",
    value=90,
    unit="days",
    source=ARTICLE,
    place="Advanced Management, Surgical Intervention (C28, A07)",
    quote="If symptoms persist despite 3-6 months of well-managed conservative therapy",
    reading="3 months = 90 days",
    safe=(84, 180),
)
OVERDUE_SURGERY = Parameter(
    name="surgery-overdue-after-days",
    value=180,
    unit="days",
    source=ARTICLE,
    place="Advanced Management, Surgical Intervention; Pitfall 5 (C28, C42, A07)",
    quote="If symptoms persist despite 3-6 months of well-managed conservative therapy",
    reading="6 months = 180 days; overdue is more than that",
    safe=(168, 365),
)
INITIAL_PHASE = Parameter(
    name="phase-initial-days",
    value=28,
    unit="days",
    source=ARTICLE,
    place="Initial Management (0-4 weeks) (C03, A16)",
    quote="Initial Management (0-4 weeks)",
    safe=(14, 42),
)
STEROID_LIMIT = Parameter(
    name="steroid-max",
    value=3,
    unit="injections",
    source=ARTICLE,
    place="Intermediate Management, Adjunctive Therapies (C24, A01)",
    quote="limit to 2-3 injections",
    reading="3 is the most permissive reading: a fourth breaches every reading",
    safe=(2, 3),
)
STEROID_INTERVAL = Parameter(
    name="steroid-interval-minimum",
    value=28,
    unit="days",
    source=ARTICLE,
    place="Intermediate Management, Adjunctive Therapies (C25, A03)",
    quote="4-6 weeks between injections",
    reading="under 28 days breaches every reading",
    safe=(28, 42),
)
EGFR_CAUTION = Parameter(
    name="nsaid-egfr-caution",
    value=60,
    unit="mL/min/1.73 m2",
    source=RISSER_2009,
    place="nsaid-caution (external)",
    quote="",
    reading="below this no oral NSAID is suggested",
    safe=(45, 90),
)
EGFR_AGE = Parameter(
    name="nsaid-egfr-days",
    value=365,
    unit="days",
    source=READING,
    place="G16",
    quote="",
    reading="an older eGFR is unknown",
    safe=(90, 730),
)
CAUTIOUS_AGE = Parameter(
    name="nsaid-cautious-age",
    value=65,
    unit="years",
    source=RISSER_2009,
    place="nsaid-caution (external)",
    quote="",
    reading="from this age no oral NSAID is suggested without an eGFR on record",
    safe=(60, 75),
)
PREGNANCY = Parameter(
    name="nsaid-pregnancy-days",
    value=300,
    unit="days",
    source=READING,
    place="G16",
    quote="",
    reading="an active pregnancy recorded longer ago is taken as over",
    safe=(280, 310),
)
CARD_BUDGET = Parameter(
    name="budget-cards",
    value=3,
    unit="cards",
    source=READING,
    place="G8",
    quote="",
    reading="at most so many cards in one answer",
    safe=(1, 5),
)
RECOVERY_NOTE = (
    "About 80% of overuse tendinopathies recover in 3-6 months (general tendinopathy review, "
    "Wilson & Best 2005), so continuing is reasonable."
)

#: what decides whether a score shows improvement (G14)
IMPROVEMENT = (VISA_H_GAIN, PAIN_FALL, PAIN_FRACTION, BASELINE_WINDOW, LATEST_WINDOW)

CONVENTIONS: tuple[Parameter, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Parameter)
)
