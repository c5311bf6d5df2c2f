"""Findings as CDS Hooks cards: wording limits, suggestions, override reasons, rationale (G9, G10).

A card is the plain JSON of the response. Card wording lives in the rule's file; this module only
shapes it, and turns what a rule suggests into whole FHIR resources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from cds_service.fhir import change, write
from cds_service.fhir.write import Draft
from cds_service.guideline import EDITION
from cds_service.guideline.case import Case
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import (
    Advice,
    Change,
    Criterion,
    Outcome,
    Recommendation,
    Suggestion,
    Treat,
    Used,
)
from cds_service.guideline.overrides import REASONS, SYSTEM
from cds_service.guideline.registry import SERVICE_WIDE, parameters
from cds_service.guideline.sources import ARTICLE_TITLE, EXTERNAL, STANDING
from cds_service.guideline.wording import escape
from cds_service.patient.facts import DraftResource
from cds_service.patient.sides import NOT_STATED

TOPICS = "https://pht-cds.example.org/fhir/CodeSystem/recommendation"
RATIONALE = "org.pht-cds.rationale"
SUMMARY_LIMIT = 140  # CDS Hooks: fewer characters than this
_NAMESPACE = UUID("6f1f9c1e-6d0b-5c7e-9a43-2f9a0a1d7c55")

WRITERS: dict[Treat, Callable[[Draft], dict[str, Any]]] = {
    Treat.SURGICAL_REFERRAL: write.surgical_referral,
    Treat.PHYSIOTHERAPY: write.physiotherapy,
    Treat.PHYSIOTHERAPY_REVIEW: write.physiotherapy_review,
    Treat.MRI: write.mri,
    Treat.SHOCKWAVE: write.shockwave,
    Treat.LOAD_MANAGEMENT: write.load_management,
    Treat.VISA_H: write.visa_h,
    Treat.TOPICAL_NSAID: write.topical_nsaid,
    Treat.IBUPROFEN: write.ibuprofen,
    Treat.PARACETAMOL: write.paracetamol,
    Treat.URGENT_SURGICAL_REFERRAL: write.urgent_surgical_referral,
    Treat.RETEST: write.retest,
    Treat.LUMBAR_MRI: write.lumbar_mri,
    Treat.EMERGENCY_REFERRAL: write.emergency_referral,
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """The call a card answers. `seed` makes the same call give the same uuids."""

    seed: str
    public_url: str
    patient: str
    requester: str | None
    encounter: str | None
    today_is_fixed: bool = False
    #: where the SMART app is launched; empty: no card leads there
    smart_app: str = ""


def card(
    rule: Recommendation,
    outcome: Outcome,
    case: Case,
    occasion: Occasion,
    *,
    also: Sequence[str] = (),
) -> dict[str, Any]:
    """One card. `also`: lines for what also holds and is not shown as a card of its own."""
    advice = outcome.advice
    if advice is None:
        raise ValueError(f"{rule.id} did not fire")
    identity = _identity(outcome, occasion)
    made: dict[str, Any] = {
        "uuid": card_uuid(outcome, occasion),
        "summary": _within_limit(advice.summary),
        "indicator": outcome.indicator,
        "detail": detail(rule, outcome, advice, also, gaps(case)),
        "source": {
            "label": ARTICLE_TITLE,
            "url": f"{occasion.public_url}/guideline",
            "topic": {"system": TOPICS, "code": rule.id, "display": rule.title},
        },
        "overrideReasons": [_override(code) for code in rule.override_reasons],
        "links": _links(rule, outcome, occasion),
        "extension": {RATIONALE: rationale(rule, outcome, case, occasion.today_is_fixed)},
    }
    if advice.suggestions:
        draft = _draft(outcome, case, occasion)
        made["suggestions"] = [_suggestion(one, identity, draft) for one in advice.suggestions]
        made["selectionBehavior"] = "at-most-one" if rule.at_most_one else "any"
    return made


def card_uuid(outcome: Outcome, occasion: Occasion) -> str:
    """The uuid of the card that `outcome` is, or would have been, in this call."""
    return str(uuid5(_NAMESPACE, _identity(outcome, occasion)))


def _identity(outcome: Outcome, occasion: Occasion) -> str:
    about = ",".join(outcome.about)
    return f"{occasion.seed}|{outcome.rule}|{outcome.side.value}|{outcome.variant}|{about}"


def _within_limit(summary: str) -> str:
    """CDS Hooks: under 140 characters. Every summary is tested to fit; none is cut short."""
    if len(summary) >= SUMMARY_LIMIT:
        raise ValueError(f"summary of {len(summary)} characters")
    return summary


def gaps(case: Case) -> tuple[str, ...]:
    """What the card could not take into account."""
    named = [escape(note.reference) for note in case.timeline.notes() if note.unrecognised]
    lines = [f"For the hamstring, but not recognised by code: {', '.join(named)}."] if named else []
    if case.facts.missing:
        lines.append(f"Could not be obtained: {', '.join(sorted(case.facts.missing))}.")
    return tuple(lines)


def detail(
    rule: Recommendation,
    outcome: Outcome,
    advice: Advice,
    also: Sequence[str] = (),
    lacking: Sequence[str] = (),
) -> str:
    """GitHub-flavoured Markdown: the ask first, then facts, source, gaps, evidence, standing."""
    parts = [f"**{advice.ask}**"]
    side = f" ({outcome.side.words})" if outcome.side.words else ""
    for heading, lines in (
        (f"On record{side}", (*advice.facts, *also)),
        ("What is known", advice.source),
        ("Not known", (*advice.unknown, *lacking)),
    ):
        if lines:
            parts.append(f"**{heading}**\n\n" + "\n".join(f"- {line}" for line in lines))
    origin = f" {EXTERNAL}" if rule.external else ""
    parts.append(f"**Evidence:** {rule.header.evidence}{origin}")
    parts.append(f"*{STANDING}*")
    return "\n\n".join(parts)


def _override(code: str) -> dict[str, str]:
    reason = REASONS[code]
    return {"code": reason.code, "system": SYSTEM, "display": reason.display}


def _links(rule: Recommendation, outcome: Outcome, occasion: Occasion) -> list[dict[str, str]]:
    """The service's own page and app, and the literature; never an address from a record."""
    own = {"label": "How this rule decides", "url": f"{occasion.public_url}/guideline#{rule.id}"}
    cited = [{"label": s.citation, "url": s.url} for s in rule.sources if s.url]
    pages = [{**link, "type": "absolute"} for link in (own, *cited)]
    return [*pages, _app(rule, outcome, occasion)] if occasion.smart_app else pages


def _app(rule: Recommendation, outcome: Outcome, occasion: Occasion) -> dict[str, str]:
    """The EHR adds `iss` and `launch`; `appContext` comes back with the app's token."""
    context = {"rule": rule.id, "side": outcome.side.value}
    return {
        "label": "Timeline of this patient",
        "url": occasion.smart_app,
        "type": "smart",
        "appContext": json.dumps(context, separators=(",", ":")),
    }


def _draft(outcome: Outcome, case: Case, occasion: Occasion) -> Draft:
    """For the outcome's side; where it has none of its own, for the one diseased side."""
    sides = [one for one in case.sides if one.side is outcome.side] or list(case.sides)
    side = sides[0].side if len(sides) == 1 and outcome.side is NOT_STATED else outcome.side
    diagnoses = dict.fromkeys(d.reference for one in sides for d in one.episode.diagnoses)
    return Draft(
        patient=occasion.patient,
        requester=occasion.requester,
        encounter=occasion.encounter,
        conditions=tuple(name for name in diagnoses if name.startswith("Condition/")),
        side=side,
        today=case.today,
    )


def _suggestion(suggestion: Suggestion, identity: str, draft: Draft) -> dict[str, Any]:
    made: dict[str, Any] = {
        "label": suggestion.label,
        "uuid": str(uuid5(_NAMESPACE, f"{identity}|{suggestion.label}")),
        "actions": _actions(suggestion, draft),
    }
    if suggestion.recommended:
        made["isRecommended"] = True
    return made


def _actions(suggestion: Suggestion, draft: Draft) -> list[dict[str, Any]]:
    """One `create`, or a change of each order: `delete` by id, `update` with the whole resource."""
    if suggestion.treat is not None:
        resource = WRITERS[suggestion.treat](draft)
        words = f"{suggestion.label} (draft)"
        return [{"type": "create", "description": words, "resource": resource}]
    return [_change(suggestion, one) for one in suggestion.drafts]


def _change(suggestion: Suggestion, draft: DraftResource) -> dict[str, Any]:
    words = suggestion.label
    if suggestion.change is Change.DELETE and not draft.placed:
        return {"type": "delete", "description": words, "resourceId": draft.reference}
    raw = dict(draft.raw)
    if suggestion.change is Change.POSTPONE and suggestion.day:
        raw = change.postponed(raw, suggestion.day)
    elif suggestion.change is Change.DELETE:
        raw = change.withdrawn(raw)
    elif suggestion.change is Change.REDUCE_DOSE:
        raw = change.reduced(raw)
    elif suggestion.change is Change.GRADE:
        raw = change.graded(raw)
    elif suggestion.change is Change.STOP:
        raw = change.stopped(raw)
    return {"type": "update", "description": words, "resource": raw}


# --- rationale (G10) ---


def rationale(
    rule: Recommendation, outcome: Outcome, case: Case, today_is_fixed: bool
) -> dict[str, Any]:
    """What a reader needs to check the card without this service."""
    facts = case.facts
    return without_empties(
        {
            "rule": rule.id,
            "variant": outcome.variant,
            "side": outcome.side.value,
            "about": list(outcome.about),
            "edition": EDITION,
            "today": case.today.isoformat(),
            "todayIsFixed": today_is_fixed or None,
            "origin": rule.header.origin,
            "evidence": rule.header.evidence,
            "thresholds": [
                threshold(case, one) for one in (*rule.parameters, *_changed_for_all(case))
            ],
            "criteria": [criterion(one) for one in outcome.criteria],
            "missing": [f"{kind}: {why}" for kind, why in sorted(facts.missing.items())],
            "unreadable": unreadable(case),
            "leftOut": left_out(case),
        }
    )


def unreadable(case: Case) -> list[dict[str, str]]:
    """Relevant records whose needed elements are malformed, with the place and the fault."""
    return [
        {"reference": one.reference, "path": one.path, "reason": one.reason}
        for one in case.facts.unreadable
    ]


def left_out(case: Case) -> list[dict[str, str]]:
    """Records looked at and not used, each with its reason."""
    return [{"reference": note.reference, "reason": note.reason} for note in case.timeline.notes()]


def _changed_for_all(case: Case) -> list[Parameter]:
    """Numbers of the whole service where the site changed them: they bear on every card."""
    known = parameters()
    return [known[name] for name in SERVICE_WIDE if case[known[name]] != known[name].value]


def threshold(case: Case, parameter: Parameter) -> dict[str, Any]:
    """One number as used here, with its evidence, and whether the site set it."""
    value = case[parameter]
    shown = {
        "name": parameter.name,
        "value": value,
        "unit": parameter.unit,
        "source": parameter.source.citation,
        "place": parameter.place,
        "quote": parameter.quote,
        "reading": parameter.reading,
    }
    if value != parameter.value:
        shown |= {"setBySite": True, "guidelineValue": parameter.value}
    return without_empties(shown)


def criterion(asked: Criterion) -> dict[str, Any]:
    return without_empties(
        {
            "question": asked.question,
            "answer": asked.answer.name.lower(),
            "because": asked.because,
            "facts": [_fact(used) for used in asked.facts],
        }
    )


def _fact(used: Used) -> dict[str, Any]:
    return without_empties(
        {
            "reference": used.reference,
            "is": used.words,
            "when": used.when,
            "certain": used.certain,
            "doubts": list(used.doubts),
            "recognisedBy": used.recognised_by,
            "alsoRecordedIn": list(used.also),
        }
    )


def without_empties(element: Mapping[str, Any]) -> dict[str, Any]:
    """CDS Hooks forbids null and empty elements."""
    return {name: value for name, value in element.items() if value not in (None, "", [], {})}
