"""What stands in for an EHR: a searchable record, prefetch filled from it, demo patients.

- `record`    FHIR resources in memory, searched as a FHIR server would
- `call`      the hook call an EHR would make for a patient of that record
- `patients`  the demo patients, from the wheel or from the checkout's fixtures/fhir

Used by the demo (page and FHIR endpoint) and by `cds-service check`. Knows no Flask.
"""
