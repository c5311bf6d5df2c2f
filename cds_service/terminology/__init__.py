"""Codes and words: value sets as data, looked up by (system, code) in constant time.

- `tables`   reads the data files (data/*.csv) into concepts
- `valuesets` which concepts a code belongs to: `Terminology.find(system, code)`
- `drugs`    what a medication code names: class, ingredient, form
- `memory`   what was worked out about a text, kept within bounds
- `text`     the curated phrases, the only text that names the disease
- `words`    what the words of a site, reason or route say where no code does
- `codesystem` the service's own codes as a FHIR CodeSystem

Nothing here knows FHIR resources; a code is a (system, code) pair, a text is a string.
"""

from cds_service.terminology.codesystem import code_system
from cds_service.terminology.drugs import Drug
from cds_service.terminology.tables import LOCAL, Concept
from cds_service.terminology.valuesets import Terminology, default_terminology

__all__ = ["LOCAL", "Concept", "Drug", "Terminology", "code_system", "default_terminology"]
