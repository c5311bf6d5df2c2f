"""The criteria rules share, each a question of the guideline answered YES, NO or UNKNOWN."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cds_service.guideline import conventions as c
from cds_service.guideline import redflags
from cds_service.guideline.case import Case
from cds_service.guideline.finding import Criterion, Used
from cds_service.guideline.wording import cited
from cds_service.patient.facts import Care, CareKind, Diagnosis, Referral, Specialty
from cds_service.patient.injections import Event
from cds_service.patient.timeline import SideTimeline, Treatment
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, Days

TREATMENTS = (
    CareKind.PASSIVE,
    CareKind.NSAID,
    CareKind.SHOCKWAVE,
    CareKind.PRP,
    CareKind.WHOLE_BLOOD,
)


# --- facts as the rationale shows them ---


def used_care(care: Care) -> Used:
    return Used(care.reference, care.label, care.dates, recognised_by=care.recognised_by)


def used_referral(referral: Referral) -> Used:
    words = f"{referral.label}, {referral.status}"
    when = str(referral.when or "")
    return Used(referral.reference, words, when, recognised_by=referral.recognised_by)


def used_event(event: Event) -> Used:
    first, *others = event.records
    known_by = dict.fromkeys(r.recognised_by for r in event.records if r.recognised_by)
    return Used(
        first.reference,
        first.label,
        str(event.when or ""),
        event.certain,
        event.doubts,
        "; ".join(known_by),
        tuple(record.reference for record in others),
    )


def used_treatment(treatment: Treatment) -> Used:
    return Used(treatment.reference, treatment.label, str(treatment.start))


def diagnoses(side: SideTimeline) -> tuple[Used, ...]:
    unsided = ("the record does not say which side",)
    episode = side.episode
    return (
        *(_used_diagnosis(diagnosis) for diagnosis in episode.diagnoses),
        *(_used_diagnosis(d)._replace(certain=False, doubts=unsided) for d in episode.perhaps),
    )


def _used_diagnosis(d: Diagnosis) -> Used:
    when, stated = str(d.diagnosed or ""), "" if d.assumed else None
    return Used(d.reference, _dated(d), when, recognised_by=d.recognised_by, stated=stated)


def _dated(diagnosis: Diagnosis) -> str:
    """With the onset where it is another day than the diagnosis."""
    if diagnosis.onset is None or diagnosis.onset == diagnosis.diagnosed:
        return f"{diagnosis.label} diagnosed"
    return f"{diagnosis.label} diagnosed, onset {diagnosis.onset}"


# --- population (G1, G2, G3) ---


def active(side: SideTimeline) -> Criterion:
    why = {YES: "active", UNKNOWN: "an encounter diagnosis whose date does not say", NO: "over"}
    answer = side.episode.active
    return Criterion("PHT is active on this side", answer, why[answer], diagnoses(side))


def adult(case: Case) -> Criterion:
    least_age = case.whole(c.MINIMUM_AGE)
    question = f"age {least_age} or over"
    ages = case.facts.patient.age(case.today)
    if ages is None:
        return Criterion(question, UNKNOWN, "no birth date on record")
    years = Days(*ages)
    return Criterion(question, years.at_least(least_age), f"age {years}")


def not_operated(side: SideTimeline) -> Criterion:
    """Same-side hamstring surgery in this episode silences the pathway (G2)."""
    surgery = side.surgery
    if not surgery:
        return Criterion("no hamstring surgery on this side in this episode", YES, "none on record")
    sure = any(side.in_episode(care.start) is YES for care in surgery)
    return Criterion(
        "no hamstring surgery on this side in this episode",
        NO if sure else UNKNOWN,
        "surgery on record" if sure else "surgery whose date may lie before the episode",
        tuple(used_care(care) for care in surgery),
    )


def pathway_population(case: Case, side: SideTimeline) -> tuple[Criterion, ...]:
    """Six rules ask: worked out once for each side."""
    known = case.populations.get(side)
    if known is None:
        known = active(side), adult(case), no_red_flag(case), not_operated(side)
        case.populations[side] = known
    return known


def no_red_flag(case: Case) -> Criterion:
    """While a red flag stands every pathway card is off, even where its own card is off."""
    flags = redflags.standing(case)
    facts = redflags.facts(flags, partial(redflags.stands, case))
    because = flags[0].label if flags else "none on record"
    return Criterion(
        "nothing on record questions the diagnosis", Answer.of(not flags), because, facts
    )


# --- loading (G11, G13) ---


def no_loading(side: SideTimeline) -> Criterion:
    """No loading, certain or possible, in the episode."""
    records = (*side.loading, *side.unspecified_physiotherapy)
    question = "no loading programme or physiotherapy recorded in this episode"
    if not records:
        return _none_of(side, question)
    return Criterion(question, NO, "on record", tuple(used_care(care) for care in records))


def _none_of(side: SideTimeline, question: str) -> Criterion:
    """None on record is no proof while care plans are unseen (G7)."""
    if side.unseen_plans:
        return Criterion(question, UNKNOWN, side.unseen_plans)
    return Criterion(question, YES, "none on record")


def no_certain_loading(side: SideTimeline) -> Criterion:
    question = "no loading programme recorded in this episode"
    if not side.loading:
        return _none_of(side, question)
    answer = UNKNOWN if side.clock is None else NO
    because = "on record" if answer is NO else "on record, date uncertain"
    return Criterion(question, answer, because, tuple(used_care(care) for care in side.loading))


def conservative_days(
    side: SideTimeline, question: str, at_least: float, below: float | None = None
) -> Criterion:
    """Certain conservative days in [at_least, below); `below` None has no end.

    A pathway rule needs the least number of days the dates allow (G6).
    """
    clock = side.clock
    if clock is None:
        return Criterion(question, NO, "no loading programme on record")
    facts = tuple(used_care(care) for care in side.loading)
    enough = clock.days.at_least(at_least)
    past = Answer.of(below is not None and clock.days.least >= below)
    return Criterion(
        question, enough & ~past, f"{clock.days} days of loading since {clock.started}", facts
    )


# --- improvement (G14) ---


def not_improved(case: Case, side: SideTimeline) -> Criterion:
    """Unknown counts as not improved (G14), and the card asks for a score."""
    found = case.improvement(side)
    facts = tuple(
        Used(s.reference, f"{s.instrument.value} {s.value:g}", str(s.when)) for s in found.scores
    )
    answer = NO if found.answer is YES else YES
    return Criterion("no recorded improvement", answer, found.words, facts)


def score_wanted(case: Case, side: SideTimeline) -> tuple[str, ...]:
    """Asks for a score where no pair of them shows whether it improved."""
    if case.improvement(side).scores:
        return ()
    return ("No pair of scores shows whether it improved: record VISA-H or pain 0-10.",)


# --- referrals ---


def no_surgical_referral(case: Case, side: SideTimeline) -> Criterion:
    """Orthopaedic or sports-medicine referral that is open, or completed within a year."""
    question = "no surgical referral on record"
    standing = [r for r in side.referrals(Specialty.SURGICAL) if _stands(case, side, r)]
    if standing:
        return Criterion(question, NO, "on record", tuple(used_referral(r) for r in standing))
    lapsed = tuple(used_referral(r) for r in withdrawn_referrals(side))
    return Criterion(question, YES, "none that is open or recently completed", lapsed)


def _stands(case: Case, side: SideTimeline, referral: Referral) -> bool:
    """Doubt about its date keeps a referral standing: missing data never raises a card (G7)."""
    if referral.status in ("active", "on-hold", "draft", "unknown"):
        return referral.when is None or side.in_episode(referral.when) is not NO
    if referral.status != "completed":
        return False
    if referral.when is None:
        return True
    age = referral.when.days_until(case.today)
    return age.at_most(case[c.COMPLETED_REFERRAL]) is not NO


def withdrawn_referrals(side: SideTimeline) -> tuple[Referral, ...]:
    """Revoked or declined in this episode: the detail mentions them."""
    return tuple(
        r
        for r in side.referrals(Specialty.SURGICAL)
        if r.status in ("revoked", "entered-in-error", "stopped", "cancelled", "rejected")
        and r.status != "entered-in-error"
        and side.in_episode(r.when) is not NO
    )


def no_physio_referral(case: Case, side: SideTimeline) -> Criterion:
    """No active physiotherapy referral at most 42 days old."""
    window = case[c.PHYSIO_REFERRAL]
    question = f"no active physiotherapy referral in the last {window:g} days"
    recent = [
        r
        for r in side.referrals(Specialty.PHYSIO)
        if r.status in ("active", "unknown")
        and (r.when is None or r.when.days_until(case.today).at_most(window) is not NO)
    ]
    if not recent:
        return Criterion(question, YES, "none on record")
    return Criterion(question, NO, "on record", tuple(used_referral(r) for r in recent))


# --- step-up treatment ---


def step_ups(side: SideTimeline) -> tuple[Used, ...]:
    """Shockwave, steroid, platelet-rich plasma or whole blood, given or ordered, in the episode."""
    kinds = (CareKind.SHOCKWAVE, CareKind.PRP, CareKind.WHOLE_BLOOD)
    care = [used_care(one) for one in side.care(*kinds) if side.in_episode(one.start) is not NO]
    given = [used_event(e) for e in side.injections if side.in_episode(e.when) is not NO]
    ordered = [
        Used(record.reference, f"{record.label} (ordered)", str(record.when or ""))
        for record in side.pending_injections
    ]
    return (*care, *given, *ordered)


def tried(side: SideTimeline) -> tuple[str, ...]:
    return cited(step_ups(side)) or ("No shockwave or injection on record",)


# --- diagnosis date ---


def days_since_diagnosis(case: Case, side: SideTimeline) -> Days | None:
    """None without a date, or with one that lies in the future."""
    diagnosed = side.episode.diagnosed
    past = diagnosed.not_after(case.today) if diagnosed else None
    return past.days_until(case.today) if past else None


def diagnosed_at_least(case: Case, side: SideTimeline, threshold: float) -> Criterion:
    question = f"diagnosed {threshold:g} days ago or more"
    days = days_since_diagnosis(case, side)
    if days is None:
        return Criterion(question, UNKNOWN, "no diagnosis date on record")
    return Criterion(
        question, days.at_least(threshold), f"diagnosed {days} days ago", diagnoses(side)
    )


def diagnosed_less_than(case: Case, side: SideTimeline, threshold: float) -> Criterion:
    question = f"diagnosed less than {threshold:g} days ago"
    days = days_since_diagnosis(case, side)
    if days is None:
        return Criterion(question, UNKNOWN, "no diagnosis date on record")
    return Criterion(
        question, days.less_than(threshold), f"diagnosed {days} days ago", diagnoses(side)
    )


# --- treatment (G13) ---


def first_treatment(side: SideTimeline, *, with_physiotherapy: bool) -> tuple[Treatment, ...]:
    """Non-surgical treatments that certainly began in the episode, first one first."""
    kinds = (*TREATMENTS, CareKind.UNSPECIFIED) if with_physiotherapy else TREATMENTS
    return side.began(kinds, steroids=True)


def treated_for(
    case: Case,
    treatments: Sequence[Treatment],
    *,
    more_than: float | None = None,
    at_least: float | None = None,
) -> Criterion:
    """Some treatment certainly began so many days ago."""
    threshold = f"more than {more_than:g}" if more_than is not None else f"{at_least:g} or more"
    question = f"treatment began {threshold} days ago"
    if not treatments:
        return Criterion(
            question, NO, "no treatment on record that certainly began in this episode"
        )
    days = treatments[0].start.days_until(case.today)
    answer = days.more_than(more_than) if more_than is not None else days.at_least(at_least or 0)
    facts = tuple(used_treatment(t) for t in treatments)
    return Criterion(question, answer, f"the first began {days} days ago", facts)
