"""What the record says about one patient, and when: no FHIR, no thresholds.

- `when`       dates as intervals, answers as yes, no or unknown
- `sides`      left, right, both, not stated
- `facts`      what was read: diagnoses, injections, care, referrals, scores
- `injections` which records are one injection (guideline G4)
- `completed`  which completed orders are of one (guideline G4)
- `episode`    the timeline of one side (guideline G3, G13)
- `scores`     improvement (guideline G14)
- `safety`     what speaks against an NSAID or shockwave (guideline G16, NSAID gate)
"""
