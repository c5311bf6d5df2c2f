"""The 13 source attributes of an evidence-based intervention (ONC HTI-1), told truthfully.

45 CFR 170.315(b)(11)(iv)(A). Served at /about/source-attributes, as a page and as JSON.
Race, ethnicity, language, sexual orientation, gender identity, sex and social determinants are
never read; a test holds the code to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cds_service.guideline import EDITION, RECOMMENDATIONS
from cds_service.guideline.evidence import REVIEWED
from cds_service.guideline.sources import ARTICLE, BIBLIOGRAPHY, READING

CRITERION = "45 CFR 170.315(b)(11)(iv)(A)"
ARTICLE_DATED = "2025-09-17"

BIRTH = "date of birth"
SCORES = "VISA-H or pain scores"
RETURN = "pain, range of motion, strength symmetry and functional tests for return to activity"
ACTIVITY = "whether aggravating activity continues"
PREGNANCY = "pregnancy"

#: rule -> the patient attributes of this list that it reads; a rule not named reads none
USES: dict[str, tuple[str, ...]] = {
    "eswt-caution": (BIRTH, PREGNANCY),
    "nsaid-dose-over-limit": (BIRTH, PREGNANCY),
    "nsaid-long-term": (PREGNANCY,),
    "nsaid-caution": (PREGNANCY,),
    "initial-plan": (BIRTH, PREGNANCY),
    "loading-programme-missing": (BIRTH,),
    "load-management-missing": (BIRTH, ACTIVITY),
    "step-up-options": (BIRTH, SCORES, PREGNANCY),
    "surgical-referral-consider": (BIRTH, SCORES),
    "surgical-referral-overdue": (BIRTH, SCORES),
    "return-to-activity-checklist": (RETURN,),
    "return-to-activity-premature": (RETURN,),
    "red-flag-differential": (BIRTH,),
}
HEALTH_STATUS = (SCORES, RETURN, ACTIVITY, PREGNANCY)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`used` is None where the attribute is not one of a patient; `lines` are further details."""

    number: int
    title: str
    answer: str
    used: bool | None = None
    lines: tuple[str, ...] = ()

    @property
    def citation(self) -> str:
        return f"(b)(11)(iv)(A)({self.number})"


def rules_reading(*attributes: str) -> tuple[str, ...]:
    """Ids of the rules that read any of them, in guideline order."""
    named = (rule.id for rule in RECOMMENDATIONS)
    return tuple(rule for rule in named if set(USES.get(rule, ())) & set(attributes))


def _expressed(what: str) -> str:
    return f"Intervention use of {what} as expressed in the standards in § 170.213"


_EGFR = (
    "An eGFR is taken as the laboratory reports it. Older equations take race or sex into account;"
    " this service neither asks which was used nor corrects for it."
)
_NOT_READ = "No rule reads it."


def attributes() -> tuple[Attribute, ...]:
    """All 13, in the order of the rule."""
    literature = tuple(
        f"{source.citation}{f' {source.url}' if source.url else ''}"
        for source in BIBLIOGRAPHY
        if source not in (ARTICLE, READING)
    )
    return (
        Attribute(
            1,
            "Bibliographic citation of the intervention (clinical research or guideline)",
            f"{ARTICLE.citation}: an AI-generated article, pending human review, that says of"
            " itself to verify it against primary literature. The literature beside it:",
            lines=literature,
        ),
        Attribute(
            2,
            "Developer of the intervention (translation from clinical research or guideline)",
            "The authors of pht-cds, the open-source project that made this service. No clinician"
            " has reviewed the translation yet.",
        ),
        Attribute(
            3,
            "Funding source of the technical implementation for the intervention(s) development",
            "None stated.",
        ),
        Attribute(
            4,
            "Release and, if applicable, revision dates of the intervention or reference source",
            f"Article: last updated {ARTICLE_DATED}. This guideline: edition {EDITION}; its numbers"
            f" were last reviewed on {REVIEWED.isoformat()}.",
        ),
        Attribute(5, _expressed("race"), _NOT_READ, used=False, lines=(_EGFR,)),
        Attribute(6, _expressed("ethnicity"), _NOT_READ, used=False),
        Attribute(7, _expressed("language"), _NOT_READ, used=False),
        Attribute(8, _expressed("sexual orientation"), _NOT_READ, used=False),
        Attribute(9, _expressed("gender identity"), _NOT_READ, used=False),
        Attribute(
            10,
            _expressed("sex"),
            _NOT_READ,
            used=False,
            lines=(_EGFR, "Pregnancy is read where it is recorded, never inferred from sex."),
        ),
        Attribute(11, _expressed("date of birth"), _BIRTH, used=True, lines=_by_rule(BIRTH)),
        Attribute(12, _expressed("social determinants of health data"), _NOT_READ, used=False),
        Attribute(
            13,
            _expressed("health status assessments data"),
            "From Observations and, for pregnancy, from Conditions. Other assessments"
            " (disability, mental and cognitive status, smoking, alcohol) are not read.",
            used=True,
            lines=tuple(line for one in HEALTH_STATUS for line in _by_rule(one)),
        ),
    )


_BIRTH = (
    "For age only: pathway cards are for those of 18 and over, an age under 18 questions the"
    " diagnosis and shockwave, and from 65 no oral NSAID is suggested without a recent eGFR."
    " Without a birth date, pathway cards stay silent."
)


def _by_rule(attribute: str) -> tuple[str, ...]:
    rules = rules_reading(attribute)
    return (f"{attribute[:1].upper()}{attribute[1:]}: {', '.join(rules)}",) if rules else ()


def as_json(version: str) -> dict[str, Any]:
    """The document served at /about/source-attributes.json; `version` is the software's."""
    return {
        "intervention": "Decision support for proximal hamstring tendinopathy",
        "kind": "evidence-based decision support intervention",
        "criterion": CRITERION,
        "version": version,
        "edition": EDITION,
        "attributes": [
            {
                "number": one.number,
                "citation": one.citation,
                "attribute": one.title,
                "answer": one.answer,
                **({} if one.used is None else {"used": one.used}),
                **({"details": list(one.lines)} if one.lines else {}),
            }
            for one in attributes()
        ],
        "rules": [
            {"id": rule.id, "title": rule.title, "uses": list(USES.get(rule.id, ()))}
            for rule in RECOMMENDATIONS
        ],
    }
