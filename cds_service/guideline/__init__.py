"""The knowledge: one module per recommendation, headed by what the source says.

`RECOMMENDATIONS` stand in guideline order; `PATHWAY_ORDER` and `CARD_ORDER` are the page's choice
and order of cards (G8).
"""

from __future__ import annotations

from cds_service.guideline.finding import Recommendation
from cds_service.guideline.recommendations import (
    initial_plan,
    loading_programme_missing,
    step_up_options,
    steroid_overuse,
    surgical_referral_consider,
    surgical_referral_overdue,
)

EDITION = "2026.11"

RECOMMENDATIONS: tuple[Recommendation, ...] = (
    steroid_overuse.RULE,
    initial_plan.RULE,
    loading_programme_missing.RULE,
    step_up_options.RULE,
    surgical_referral_consider.RULE,
    surgical_referral_overdue.RULE,
)

#: the one pathway card of an answer is the first of these (rule, variant; None is any variant)
PATHWAY_ORDER: tuple[tuple[str, tuple[str, ...] | None], ...] = (
    ("surgical-referral-overdue", None),
    ("loading-programme-missing", ("passive-only",)),
    ("surgical-referral-consider", None),
    ("step-up-options", None),
    ("loading-programme-missing", ("none-documented", "lapsed")),
    ("initial-plan", None),
    ("load-management-missing", None),
)

#: within one level; rules not named follow in guideline order
CARD_ORDER: tuple[str, ...] = (
    "red-flag-differential",
    "steroid-with-tendon-tear",
    "steroid-count-limit",
    "steroid-overuse",
    "nsaid-caution",
    "nsaid-dose-over-limit",
    "steroid-interval",
    "steroid-too-early",
    "return-to-activity-premature",
    "surgical-referral-overdue",
    "loading-programme-missing",
)


def recommendation(rule_id: str) -> Recommendation:
    """The recommendation of this id. Raises KeyError for an unknown one."""
    return {rule.id: rule for rule in RECOMMENDATIONS}[rule_id]
