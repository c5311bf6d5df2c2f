"""What the hooks on the chart have in common: the recommendations that speak of a patient."""

from cds_service.guideline.recommendations import (
    initial_plan,
    load_management_missing,
    loading_programme_missing,
    nsaid_long_term,
    red_flag_differential,
    return_to_activity_checklist,
    step_up_options,
    steroid_overuse,
    surgical_referral_consider,
    surgical_referral_overdue,
)

DESCRIPTION = (
    "For adults with proximal hamstring tendinopathy: overused steroid injections, a surgical"
    " opinion due or overdue, a missing loading programme, step-up options, an initial plan,"
    " long NSAID use, return to activity, and findings that question the diagnosis."
)
USAGE = (
    "Reads the whole chart by patient, never filtered by diagnosis code, because no standard"
    " code names the condition. Patient and Condition are required."
)

CHART_RULES = (
    steroid_overuse.RULE,
    nsaid_long_term.RULE,
    initial_plan.RULE,
    loading_programme_missing.RULE,
    load_management_missing.RULE,
    step_up_options.RULE,
    surgical_referral_consider.RULE,
    surgical_referral_overdue.RULE,
    return_to_activity_checklist.RULE,
    red_flag_differential.RULE,
)
#: what must be in place before the patient leaves
DISCHARGE_RULES = (
    loading_programme_missing.RULE,
    load_management_missing.RULE,
    surgical_referral_consider.RULE,
    surgical_referral_overdue.RULE,
    return_to_activity_checklist.RULE,
)
#: asked of a condition as it is put on the problem list
ADDED_RULES = (initial_plan.RULE, red_flag_differential.RULE)
