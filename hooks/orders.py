"""What the order hooks have in common: the recommendations that speak of an order."""

from cds_service.guideline.recommendations import (
    eswt_caution,
    nsaid_caution,
    nsaid_dose_over_limit,
    nsaid_long_term,
    prp_awb_evidence,
    return_to_activity_checklist,
    return_to_activity_premature,
    steroid_count_limit,
    steroid_interval,
    steroid_third_injection,
    steroid_too_early,
    steroid_with_tendon_tear,
)

DESCRIPTION = (
    "Steroid injections at the hamstring origin (number, interval, time, torn tendon),"
    " platelet-rich plasma or whole blood, shockwave, NSAIDs and clearance for full activity,"
    " checked against the chart."
)
USAGE = (
    "Reads draft MedicationRequest and ServiceRequest resources (and the older MedicationOrder and"
    " ProcedureRequest), and the chart by patient."
)

STEROID_RULES = (
    steroid_count_limit.RULE,
    steroid_third_injection.RULE,
    steroid_interval.RULE,
    steroid_too_early.RULE,
    steroid_with_tendon_tear.RULE,
)
SELECT_RULES = (
    *STEROID_RULES,
    prp_awb_evidence.RULE,
    eswt_caution.RULE,
    nsaid_dose_over_limit.RULE,
    nsaid_caution.RULE,
    return_to_activity_checklist.RULE,
    return_to_activity_premature.RULE,
)
ORDER_RULES = (*SELECT_RULES, nsaid_long_term.RULE)
