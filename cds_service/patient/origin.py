"""Whether a record is aimed at the hamstring origin (guideline G5, third question; G11; G15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cds_service.patient.facts import Diagnosis, Place, Reason
from cds_service.patient.when import NO, UNKNOWN, YES, Answer, When

#: sites that the mere words of a reason do not overrule: where the two disagree, nobody knows
NEARBY = (Place.ISCHIUM, Place.REGION, Place.NEAR, Place.WORDED)


def at_hamstring_origin(place: Place, reason: Reason, during_disease: Answer) -> Answer:
    """G5: YES by site or reason, NO elsewhere, UNKNOWN when neither is stated during disease.

    Before any disease buttock and thigh say no more than no site; the ischium may be the origin.
    """
    if place in (Place.ORIGIN, Place.ELSEWHERE):
        return Answer.of(place is Place.ORIGIN)
    if reason in (Reason.PHT, Reason.ELSEWHERE):
        return Answer.of(reason is Reason.PHT)
    if reason is Reason.WORDED and place not in NEARBY:
        return NO
    if place in (Place.ISCHIUM, Place.REGION) and during_disease is YES:
        return UNKNOWN if reason is Reason.WORDED else YES
    return NO if during_disease is NO and place is not Place.ISCHIUM else UNKNOWN


def concerns_pht(place: Place, reason: Reason) -> Answer:
    """For care and referrals: YES by site or reason, NO elsewhere, UNKNOWN when not stated."""
    if reason is Reason.PHT or place is Place.ORIGIN:
        return YES
    if place is Place.ISCHIUM and not reason.elsewhere:
        return YES
    if place is Place.ELSEWHERE or reason is Reason.ELSEWHERE:
        return NO
    if reason is Reason.WORDED and place not in NEARBY:
        return NO
    return UNKNOWN


def during_disease(diagnoses: Sequence[Diagnosis], when: When | None, today: date) -> Answer:
    """Could PHT, of any side, have been present on that day?"""
    found = NO
    for diagnosis in diagnoses:
        if diagnosis.certain:
            found |= _present(diagnosis, when, today)
        if found is YES:
            break
    return found


def _present(diagnosis: Diagnosis, when: When | None, today: date) -> Answer:
    if when is None or diagnosis.start is None:
        return UNKNOWN
    begun = diagnosis.start.days_until(when).at_least(0)
    if diagnosis.abated is not None:
        return begun & when.days_until(diagnosis.abated).at_least(0)
    if diagnosis.active is YES:
        return begun & when.days_until(today).at_least(0)
    return begun & UNKNOWN
