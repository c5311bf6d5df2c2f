"""The data files as concepts.

`codes.csv` and `comorbidities.csv` hold verified codes by value set (role: include, neighbour,
exclude), `refinements.csv` this project's finer sets over the same codes and its own codes,
`products.csv` drug products with their route group.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from cds_service.terminology.memory import remembered

LOCAL = "https://pht-cds.example.org/fhir/CodeSystem/pht"

#: short names used in refinements.csv
SYSTEMS = {
    "pht": LOCAL,
    "sct": "http://snomed.info/sct",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "nucc": "http://nucc.org/provider-taxonomy",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "atc": "http://www.whocc.no/atc",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "v3-route": "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration",
}

#: other spellings seen in EHR and claims data for the same code system
ALIASES = {
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": SYSTEMS["hcpcs"],
    "http://www.nlm.nih.gov/research/umls/hcpcs": SYSTEMS["hcpcs"],
    "urn:oid:2.16.840.1.113883.6.285": SYSTEMS["hcpcs"],
    "urn:oid:2.16.840.1.113883.6.90": SYSTEMS["icd-10-cm"],
    "urn:oid:2.16.840.1.113883.6.96": SYSTEMS["sct"],
    "urn:oid:2.16.840.1.113883.6.88": SYSTEMS["rxnorm"],
    "urn:oid:2.16.840.1.113883.6.12": SYSTEMS["cpt"],
    "urn:oid:2.16.840.1.113883.6.73": SYSTEMS["atc"],
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.101": SYSTEMS["nucc"],
    "http://hl7.org/fhir/v3/RouteOfAdministration": SYSTEMS["v3-route"],
    "urn:oid:2.16.840.1.113883.5.112": SYSTEMS["v3-route"],
}

Role = Literal["include", "neighbour", "exclude"]
SideWord = Literal["left", "right", "both"]


@dataclass(frozen=True, slots=True)
class Concept:
    """One code in one value set. `side` is the side its own name states, if any."""

    value_set: str
    system: str
    code: str
    display: str
    role: str
    source: str = ""
    prefix: bool = False

    @property
    def verified(self) -> str:
        """Where code and display were read, or why this project put the code here."""
        if self.system == LOCAL:
            return "own code of this service"
        return self.source

    @property
    def words(self) -> str:
        """The display without its semantic tag: '(procedure)', '(regime/therapy)'."""
        return without_tag(self.display)

    @property
    def side(self) -> SideWord | None:
        return stated_side(self.display)


_TAG = re.compile(r" \((?:procedure|regime/therapy|disorder|finding|substance)\)$")


def without_tag(display: str) -> str:
    return _TAG.sub("", display)


_SIDE = re.compile(r"\b(left|right|both|bilateral)\b", re.IGNORECASE)


@remembered
def stated_side(words: str) -> SideWord | None:
    """The side the words name; left and right together, or bilateral, is 'both'."""
    found = {word.lower() for word in _SIDE.findall(words)}
    if not found:
        return None
    if found == {"left"}:
        return "left"
    if found == {"right"}:
        return "right"
    return "both"


def read(name: str) -> Iterator[dict[str, str]]:
    with files(__package__).joinpath("data", name).open(encoding="utf-8") as table:
        yield from csv.DictReader(table)


def concepts() -> Iterator[Concept]:
    """Every concept of every value set."""
    for name in ("codes.csv", "comorbidities.csv"):
        for row in read(name):
            yield Concept(
                row["value_set"],
                row["system"],
                row["code"],
                row["display"],
                row["role"],
                row["verified_from"],
                prefix=row.get("match") == "prefix",
            )
    for row in read("refinements.csv"):
        system = SYSTEMS[row["system"]]
        yield Concept(
            row["value_set"], system, row["code"], row["display"], row["role"], row["why"]
        )
    for row in read("local-codes.csv"):
        yield Concept(f"local-{row['kind']}", row["system"], row["code"], row["display"], "include")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a value set is, in plain words, and what it leaves out on purpose."""

    what: str
    leaves_out: str


def scopes() -> dict[str, Scope]:
    """Value set -> its scope (value-sets.csv)."""
    return {
        row["value_set"]: Scope(row["what"], row["leaves_out"]) for row in read("value-sets.csv")
    }
