"""The knowledge: one module per recommendation, headed by what the source says.

`RECOMMENDATIONS` stand in guideline order; `PATHWAY_ORDER` and `CARD_ORDER` are the page's choice
and order of cards (G8).
"""

from __future__ import annotations

from cds_service.guideline.finding import Recommendation
from cds_service.guideline.recommendations import (
    eswt_caution,
    initial_plan,
    load_management_missing,
    loading_programme_missing,
    nsaid_caution,
    nsaid_dose_over_limit,
    nsaid_long_term,
    prp_awb_evidence,
    red_flag_differential,
    return_to_activity_checklist,
    return_to_activity_premature,
    step_up_options,
    steroid_count_limit,
    steroid_interval,
    steroid_overuse,
    steroid_third_injection,
    steroid_too_early,
    steroid_with_tendon_tear,
    surgical_referral_consider,
    surgical_referral_overdue,
)

EDITION = "2026.11"

RECOMMENDATIONS: tuple[Recommendation, ...] = (
    steroid_count_limit.RULE,
    steroid_overuse.RULE,
    steroid_third_injection.RULE,
    steroid_interval.RULE,
    steroid_too_early.RULE,
    steroid_with_tendon_tear.RULE,
    prp_awb_evidence.RULE,
    eswt_caution.RULE,
    nsaid_dose_over_limit.RULE,
    nsaid_long_term.RULE,
    nsaid_caution.RULE,
    initial_plan.RULE,
    loading_programme_missing.RULE,
    load_management_missing.RULE,
    step_up_options.RULE,
    surgical_referral_consider.RULE,
    surgical_referral_overdue.RULE,
    return_to_activity_checklist.RULE,
    return_to_activity_premature.RULE,
    red_flag_differential.RULE,
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
