"""What the source article claims, in this project's short words, and what became of each claim.

Claims are numbered as the rule heads and parameters cite them (C01 ...). A claim that no rule
implements, or that only adds words to a card, says why. docs/guideline.md is made from this.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """`rules`: ids of the rules that implement it, or whose cards carry its words.

    `why_no_rule` is the reason it decides nothing by itself; empty where it does.
    """

    id: str
    section: str
    words: str
    rules: tuple[str, ...] = ()
    why_no_rule: str = ""


_NO_RECORD = "records do not say it in a way that can be computed: words of the card only"
_OPTION = "names an option, with no condition to compute: words of the card only"

_STEROID_ORDERS = ("steroid-count-limit", "steroid-interval", "steroid-too-early")
_SURGICAL = ("surgical-referral-consider", "surgical-referral-overdue")
_RETURN = ("return-to-activity-checklist", "return-to-activity-premature")
_LOADING = ("initial-plan", "loading-programme-missing")

CLAIMS: tuple[Claim, ...] = (
    Claim("C01", "Introduction", "eccentric strengthening is the most effective start", _LOADING),
    Claim(
        "C02",
        "Introduction",
        "first line combines strengthening, relative rest and pain management",
        ("initial-plan",),
    ),
    Claim("C03", "Initial", "the initial phase is the first four weeks", _LOADING),
    Claim(
        "C04",
        "Initial, first-line",
        "reduce the activities that aggravate",
        ("initial-plan", "load-management-missing"),
    ),
    Claim(
        "C05",
        "Initial, first-line",
        "melting ice water through a wet towel, 10 minutes at a time",
        ("initial-plan",),
        _NO_RECORD,
    ),
    Claim(
        "C06",
        "Initial, first-line",
        "NSAIDs relieve pain in the short term",
        ("initial-plan", "nsaid-long-term"),
    ),
    Claim(
        "C07",
        "Initial, first-line",
        "NSAIDs do not change the long run",
        ("initial-plan", "nsaid-long-term"),
    ),
    Claim(
        "C08",
        "Initial, first-line",
        "ibuprofen starts at 1.2 g a day",
        ("initial-plan", "nsaid-dose-over-limit"),
        "the suggested dose; an order that starts higher is common practice and is not remarked on",
    ),
    Claim(
        "C09",
        "Initial, first-line",
        "and may rise to 2.4 g a day",
        ("initial-plan", "nsaid-dose-over-limit"),
    ),
    Claim(
        "C10",
        "Initial, first-line",
        "consider topical NSAIDs, which may have fewer systemic effects",
        ("nsaid-caution", "nsaid-long-term", "nsaid-dose-over-limit", "initial-plan"),
        "a preference without a condition: what the cards offer",
    ),
    Claim("C11", "Initial, rehabilitation", "begin controlled, progressive loading", _LOADING),
    Claim(
        "C12",
        "Initial, rehabilitation",
        "Nordic hamstring exercise, in steps",
        ("initial-plan",),
        _NO_RECORD,
    ),
    Claim(
        "C13",
        "Initial, rehabilitation",
        "single-leg deadlift with a light weight",
        ("initial-plan",),
        _NO_RECORD,
    ),
    Claim(
        "C14",
        "Initial, rehabilitation",
        "heavy slow resistance did well in one powerlifter",
        ("initial-plan",),
        "a single case: it counts as loading like the eccentric kind, and the card names the case",
    ),
    Claim(
        "C15",
        "Initial, rehabilitation",
        "it starts at 3 sets of 15, lighter",
        ("initial-plan",),
        _NO_RECORD,
    ),
    Claim(
        "C16",
        "Initial, rehabilitation",
        "and goes on to 4 sets of 6 to 8, heavier",
        ("initial-plan", "step-up-options"),
        _NO_RECORD,
    ),
    Claim(
        "C17", "Intermediate", "the intermediate phase is weeks four to eight", ("step-up-options",)
    ),
    Claim(
        "C18",
        "Intermediate",
        "it is for symptoms that persist after four weeks of conservative care",
        ("step-up-options", "steroid-too-early"),
    ),
    Claim(
        "C19",
        "Intermediate, rehabilitation",
        "increase the load gradually",
        ("step-up-options",),
        _NO_RECORD,
    ),
    Claim(
        "C20",
        "Intermediate, rehabilitation",
        "begin movement patterns of the sport",
        ("step-up-options",),
        _NO_RECORD,
    ),
    Claim(
        "C21",
        "Intermediate, adjuncts",
        "shockwave may beat multi-modal care, on very low-level evidence",
        ("step-up-options",),
    ),
    Claim(
        "C22",
        "Intermediate, adjuncts",
        "a steroid injection may relieve for a short time, in this phase",
        ("step-up-options", "steroid-too-early"),
    ),
    Claim(
        "C23",
        "Intermediate, adjuncts",
        "and does not change the long run",
        ("step-up-options", *_STEROID_ORDERS),
        "says what to expect, not when: words of the card only",
    ),
    Claim(
        "C24",
        "Intermediate, adjuncts",
        "at most two to three steroid injections",
        ("steroid-count-limit", "steroid-overuse", "steroid-third-injection"),
    ),
    Claim(
        "C25",
        "Intermediate, adjuncts",
        "four to six weeks between them",
        ("steroid-interval", "steroid-overuse"),
    ),
    Claim(
        "C26",
        "Advanced",
        "the advanced phase begins after eight to twelve weeks",
        ("prp-awb-evidence", "step-up-options"),
    ),
    Claim(
        "C27",
        "Advanced, injections",
        "platelet-rich plasma and whole blood do not differ, on very low-level evidence",
        ("prp-awb-evidence",),
    ),
    Claim(
        "C28",
        "Advanced, surgery",
        "consider surgical referral after three to six months of well-managed conservative care",
        _SURGICAL,
    ),
    Claim(
        "C29",
        "Advanced, surgery",
        "one option: semimembranosus tenotomy with exploration of the sciatic nerve",
        _SURGICAL,
        _OPTION,
    ),
    Claim(
        "C30",
        "Advanced, surgery",
        "another: debridement and reinsertion of the conjoint tendon",
        _SURGICAL,
        _OPTION,
    ),
    Claim(
        "C31",
        "Advanced, surgery",
        "good results in athletes with chronic disease",
        _SURGICAL,
        "says in whom results were seen; records do not say who is an athlete",
    ),
    Claim("C32", "Return to activity", "no pain during activity", _RETURN),
    Claim("C33", "Return to activity", "no pain after activity", _RETURN),
    Claim("C34", "Return to activity", "full range of motion against the other side", _RETURN),
    Claim("C35", "Return to activity", "strength more than 90 % of the other side", _RETURN),
    Claim("C36", "Return to activity", "the functional tests of the sport passed", _RETURN),
    Claim("C37", "Return to activity", "all five together, as the page implies", _RETURN),
    Claim(
        "C38",
        "Pitfall 1",
        "activity that is not modified keeps the disease going",
        ("load-management-missing",),
    ),
    Claim(
        "C39",
        "Pitfall 2",
        "full activity too early brings it back",
        ("return-to-activity-premature",),
    ),
    Claim(
        "C40",
        "Pitfall 3",
        "passive treatment alone is a mistake; loading is essential",
        ("loading-programme-missing",),
    ),
    Claim(
        "C41",
        "Pitfall 4",
        "too many steroid injections may weaken the tendon",
        ("steroid-count-limit", "steroid-overuse"),
    ),
    Claim("C42", "Pitfall 5", "waiting too long with surgery", ("surgical-referral-overdue",)),
    Claim(
        "C43",
        "Algorithm 1",
        "start with relative rest, cold and an NSAID",
        ("initial-plan",),
    ),
    Claim("C44", "Algorithm 2", "eccentric or heavy slow resistance training", _LOADING),
    Claim(
        "C45",
        "Algorithm 3",
        "little improvement after four to eight weeks: consider shockwave or injection",
        ("step-up-options", "steroid-too-early"),
    ),
    Claim(
        "C46",
        "Algorithm 4",
        "persistent beyond three to six months: consider a surgical opinion",
        _SURGICAL,
    ),
    Claim(
        "C47",
        "Disclaimer",
        "for professionals; verify against primary literature; no liability",
        (),
        "a condition of use, not advice: every card ends with it",
    ),
)

#: what the article does not speak of and this service does; such rules say so on every card
NOT_IN_THE_ARTICLE: dict[str, str] = {
    "steroid-with-tendon-tear": "a torn tendon when a steroid is ordered",
    "eswt-caution": "contraindications of shockwave",
    "nsaid-caution": "contraindications of oral NSAIDs",
    "red-flag-differential": "findings that question the diagnosis, and age under 18",
}

#: readings of the article that were considered and not built
NOT_BUILT: tuple[tuple[str, str], ...] = (
    ("cryotherapy, exercises, sets and repetitions", "no reliable structured record of them"),
    ("ibuprofen started above 1.2 g a day", "common practice: it would be noise"),
    ("a problem list with no record of the disease for a year", "says nothing about care"),
    (
        "a steroid within a month before planned surgery",
        "the evidence is from other operations only",
    ),
)
