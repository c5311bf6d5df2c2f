"""Observation -> scores, eGFR, return-to-activity measures, findings (G14, G16).

Final values only, units checked; components and panels are read like the observation itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds_service.fhir import flags
from cds_service.fhir.codes import Known, Site, by, first_code, items, plain_status
from cds_service.fhir.reader import Reader
from cds_service.fhir.resources import Resource
from cds_service.fhir.sound import Sound, sound
from cds_service.patient.facts import (
    Filtration,
    Instrument,
    Measure,
    MeasureKind,
    Place,
    Score,
)
from cds_service.patient.when import When

NEEDED = (
    "status",
    "code",
    "bodySite",
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveInstant",
    "effectiveTiming",
    "issued",
    "valueQuantity",
    "valueInteger",
    "valueBoolean",
    "component",
)
FINAL = ("final", "amended", "corrected")
LOINC = "http://loinc.org"
#: its own name says 0-10; the other pain codes count only where the record shows that scale
ZERO_TO_TEN = (LOINC, "72514-3")
_EGFR_UNIT = re.compile(r"ml/min/\W*1[.,]73\W*m\w*2?", re.IGNORECASE)
RELEVANT = ("pain-observation", "egfr")
HIGHEST = {Instrument.VISA_H: 100, Instrument.PAIN: 10}
LOCAL_SCORES = {"visa-h": Instrument.VISA_H, "nrs-activity": Instrument.PAIN}
#: local code -> what is measured, and the UCUM units that say so (empty: a score without unit)
LOCAL_MEASURES = {
    "pain-during": (MeasureKind.PAIN_DURING, ("", "{score}", "1")),
    "pain-after": (MeasureKind.PAIN_AFTER, ("", "{score}", "1")),
    "rom-deficit-deg": (MeasureKind.ROM_DEFICIT, ("deg",)),
    "strength-lsi": (MeasureKind.STRENGTH, ("%",)),
    "functional-tests-passed": (MeasureKind.FUNCTIONAL_TESTS, ()),
    "continues-aggravating-activity": (MeasureKind.AGGRAVATING, ()),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One value: the observation itself, or one of its components."""

    reader: Reader
    resource: Resource
    part: Mapping[str, Any]
    known: Known
    site: Site
    when: When

    def note(self, reason: str) -> None:
        self.reader.note(self.resource, reason)

    @property
    def instrument(self) -> Instrument | None:
        if local := _local(self.known):
            return local
        return Instrument.PAIN if self.known.within("pain-observation") else None

    @property
    def recognised_by(self) -> str:
        concept = self.known.any_of("local-observation", *RELEVANT)
        return by(concept) if concept else ""


def read(reader: Reader, resource: Resource) -> None:
    raw = resource.raw
    if raw.get("component") is None and reader.codes.says_nothing(raw.get("code")):
        return  # as most
    parts = list(_parts(reader, raw))
    if not parts:
        return
    element = sound("Observation", resource.raw, NEEDED)
    if element.faults:
        if any(_local(known) or known.within("pain-observation") for _, known in parts):
            reader.cannot_read(resource, element.faults[0])
        else:
            reader.note(resource, f"{element.faults[0].element} is not valid FHIR: not used")
            reader.doubts += ["an eGFR that cannot be used"] * _has_egfr(parts)
        return
    status = first_code(element.get("status"))
    if status not in FINAL:
        reader.note(resource, f"status {plain_status(status)}: only final values are used")
        return
    when = _when(reader, element)
    if when is None:
        reader.note(resource, "not dated, or dated in the future: value not used")
        return
    site = reader.site(element.get("bodySite"))
    for part, known in parts:
        _read_value(Measured(reader, resource, part, known, site, when))


def _has_egfr(parts: list[tuple[Mapping[str, Any], Known]]) -> bool:
    return any(known.within("egfr") for _, known in parts)


def _parts(reader: Reader, raw: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Known]]:
    """The observation and its components whose code is known."""
    for part in (raw, *items(raw.get("component"))):
        if not isinstance(part, Mapping) or reader.codes.says_nothing(part.get("code")):
            continue
        known = reader.codes.known(part.get("code"))
        if _relevant(known) or flags.kind_of(known, part.get("code")):
            yield part, known


def _relevant(known: Known) -> bool:
    coded = any(known.within(name) for name in RELEVANT)
    return coded or _local(known) is not None or _measured(known) is not None


def _local(known: Known) -> Instrument | None:
    concept = known.within("local-observation")
    return LOCAL_SCORES.get(concept.code) if concept else None


def _measured(known: Known) -> tuple[MeasureKind, tuple[str, ...]] | None:
    concept = known.within("local-observation")
    return LOCAL_MEASURES.get(concept.code) if concept else None


def _when(reader: Reader, element: Sound) -> When | None:
    span = reader.dates.span(element, "effective")
    when = span.end or span.start if span else reader.dates.when(element.get("issued"))
    return when.not_after(reader.today) if when else None


def _read_value(measured: Measured) -> None:
    if kind := _measured(measured.known):
        _read_measure(measured, *kind)
        return
    if flags.kind_of(measured.known, measured.part.get("code")):
        flags.read_observation(
            measured.reader, measured.resource, measured.part, measured.known, measured.when
        )
        return
    value, unit = _quantity(measured.part)
    if value is None:
        measured.note("no numeric value")
        if measured.known.within("egfr"):
            measured.reader.doubts.append("an eGFR that cannot be used")
    elif measured.instrument is None:
        _read_filtration(measured, value, unit)
    else:
        _read_score(measured, measured.instrument, value)


def _read_measure(measured: Measured, kind: MeasureKind, units: tuple[str, ...]) -> None:
    """A return-to-activity value; a boolean one where no unit is expected."""
    value: float | bool | None
    if units:
        value, unit = _quantity(measured.part)
        if unit not in units or _comparator(measured.part):
            measured.note(f"{kind.value}: not in {' or '.join(filter(None, units)) or 'points'}")
            return
    else:
        flag = measured.part.get("valueBoolean")
        value = flag if isinstance(flag, bool) else None
    if value is None:
        measured.note(f"{kind.value}: no value")
        return
    measured.reader.measures.append(
        Measure(
            reference=measured.resource.reference,
            label=kind.value,
            recognised_by=measured.recognised_by,
            kind=kind,
            value=value,
            when=measured.when,
            side=measured.site.side,
            instant=_instant(measured.resource.raw.get("effectiveDateTime")),
        )
    )


def _read_score(measured: Measured, instrument: Instrument, value: float) -> None:
    problem = _not_on_scale(instrument, measured.part, measured.known, value)
    if problem or measured.site.place is Place.ELSEWHERE:
        measured.note(problem or "a score of another site")
        return
    measured.reader.scores.append(
        Score(
            reference=measured.resource.reference,
            label=instrument.value,
            recognised_by=measured.recognised_by,
            instrument=instrument,
            value=value,
            when=measured.when,
            side=measured.site.side,
            instant=_instant(measured.resource.raw.get("effectiveDateTime")),
        )
    )


def _read_filtration(measured: Measured, value: float, unit: str) -> None:
    if not _EGFR_UNIT.fullmatch(re.sub(r"[{}_]", "", unit)):
        measured.note("eGFR without the unit mL/min/1.73 m2: value not used")
        measured.reader.doubts.append("an eGFR that cannot be used")
        return
    measured.reader.filtration.append(
        Filtration(
            reference=measured.resource.reference,
            label="eGFR",
            recognised_by=measured.recognised_by,
            value=value,
            when=measured.when,
            comparator=_comparator(measured.part) or "",
        )
    )


def _not_on_scale(
    instrument: Instrument, part: Mapping[str, Any], known: Known, value: float
) -> str | None:
    """Why a score cannot be used, or None."""
    highest = HIGHEST[instrument]
    if not 0 <= value <= highest or _comparator(part):
        return f"not a plain value from 0 to {highest}"
    concept = known.within("pain-observation")
    if _local(known) or concept is None or (concept.system, concept.code) == ZERO_TO_TEN:
        return None
    return None if _shows_ten(part) else "a pain score that does not show a scale of 0-10"


def _shows_ten(part: Mapping[str, Any]) -> bool:
    """A reference range up to 10, or a unit that says so."""
    for interval in items(part.get("referenceRange")):
        high = interval.get("high") if isinstance(interval, Mapping) else None
        if isinstance(high, Mapping) and high.get("value") == HIGHEST[Instrument.PAIN]:
            return True
    return _quantity(part)[1].replace(" ", "") in ("/10", "{0-10}", "cm")


def _comparator(part: Mapping[str, Any]) -> str | None:
    quantity = part.get("valueQuantity")
    return quantity.get("comparator") if isinstance(quantity, Mapping) else None


def _quantity(part: Mapping[str, Any]) -> tuple[float | None, str]:
    """(value, unit) of valueQuantity or valueInteger."""
    quantity = part.get("valueQuantity")
    if isinstance(quantity, Mapping):
        value = quantity.get("value")
        unit = quantity.get("code") or quantity.get("unit") or ""
        return _number(value), str(unit)
    return _number(part.get("valueInteger")), ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _instant(text: Any) -> str:
    """A time in UTC, for order within a day; empty when the record has only a date."""
    if not isinstance(text, str) or "T" not in text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else text
