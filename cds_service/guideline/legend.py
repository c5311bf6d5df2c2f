"""The marks that rule heads and parameters carry: C (claims), A (ambiguities), G (conventions).

Claims stand in `cds_service.guideline.claims`. docs/guideline.md lists all three.
"""

from __future__ import annotations

#: where the article leaves room, and how this service reads it
AMBIGUITIES: dict[str, str] = {
    "A01": "“2-3 injections”: the fourth breaches every reading, the third is only remarked on",
    "A02": "of one tendon; in this episode the level is higher than over all time",
    "A03": "“4-6 weeks between”: under 28 days breaches every reading, 42 days meets every one",
    "A04": "from the day given to the day planned, in calendar days",
    "A05": "a steroid is early before 28 days of conservative care, the most permissive reading",
    "A06": "“3-6 months” counts from the start of loading, not from the first symptoms",
    "A07": "3 months are 90 days, 6 months 180 days",
    "A08": "surgery after 3 months, although it is printed under 8-12 weeks",
    "A09": "“minimal improvement”: less than 13 points of VISA-H, or of 2 points and 30 % of pain",
    "A10": "“symptoms persist”: the disease is active and no improvement is on record",
    "A11": "“well-managed”: some active loading is on record",
    "A12": "which treatments are passive: a value set",
    "A13": "ibuprofen: 2400 mg is allowed, more is not; 3200 mg is the maximum of the US label",
    "A14": "“short-term”: 28 days, the phase in which it is listed",
    "A15": "weeks count from the diagnosis for starting, from loading for stepping up and surgery",
    "A16": "day 28 belongs to the next phase",
    "A17": "stepping up from day 28 when little improvement is recorded, from day 56 when unknown",
    "A18": "platelet-rich plasma and whole blood are named from day 56 only",
    "A19": "“complete resolution of pain”: 0, in the last 28 days",
    "A20": "“full range of motion”: within 5 degrees",
    "A21": "“>90%”: strictly more; not evaluable when both sides are diseased",
    "A22": "functional tests: passed or failed as a clinician entered it",
    "A23": "eccentric or heavy slow resistance: either is loading",
    "A24": "relative rest is modified activity, never immobilisation",
    "A25": "reference 1 is a general review of tendons, and the cards say so",
    "A26": "adults: the article has no paediatric content",
    "A27": "“overuse” of steroids is the number of A01",
    "A28": "two records a day apart on one side are one injection",
    "A29": "what counts as given: see G4 and G5",
    "A30": "a partial date is an interval: see G6",
}

#: how all rules read a record
CONVENTIONS: dict[str, str] = {
    "G1": "who is meant: active proximal hamstring tendinopathy; adults for pathway cards",
    "G2": "resolved or operated disease silences the pathway",
    "G3": "each side by itself; an episode begins at onset, else at the recorded date",
    "G4": "one injection in several records counts once; which records count as given",
    "G5": "a local steroid: is it one, is it injected, is it at the hamstring origin",
    "G6": "calendar days in the site's time zone; a partial date is an interval",
    "G7": "unknown is never no; what could not be obtained is an error, not an empty answer",
    "G8": "one pathway card, three cards in all, the most pressing first",
    "G9": "what every card says: the ask, the facts, the source and its standing",
    "G10": "the rationale: thresholds, facts, unknowns, and what was left out",
    "G11": "what counts as active loading",
    "G12": "at which hooks a rule is asked",
    "G13": "conservative days run from the first loading record; a long gap restarts the clock",
    "G14": "improvement: a gain in VISA-H, or a fall in pain",
    "G15": "which surgery counts",
    "G16": "which other diseases bar a treatment, and how long they hold",
}
