"""patient-view: what the record shows when a clinician opens the chart."""

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
from cds_service.service import Service
from hooks.prefetch import CHART

SERVICE = Service(
    id="pht-patient-view",
    hook="patient-view",
    title="Proximal hamstring tendinopathy: where the patient stands",
    description=(
        "For adults with proximal hamstring tendinopathy: overused steroid injections, a surgical"
        " opinion due or overdue, a missing loading programme, step-up options, an initial plan,"
        " long NSAID use, return to activity, and findings that question the diagnosis."
    ),
    usage_requirements=(
        "Reads the whole chart by patient, never filtered by diagnosis code, because no standard"
        " code names the condition. Patient and Condition are required."
    ),
    prefetch=CHART,
    recommendations=(
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
    ),
)
