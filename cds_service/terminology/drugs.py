"""What a medication code names: drug class, ingredient and form.

RxNorm products carry their form by name (products.csv); ingredients, ATC and SNOMED substances do
not: "an ingredient code alone proves no injection" (guideline G5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cds_service.terminology.memory import remembered
from cds_service.terminology.tables import SYSTEMS, Concept, read

if TYPE_CHECKING:
    from cds_service.terminology.valuesets import Terminology

DrugClass = Literal["corticosteroid", "nsaid", "anticoagulant", "paracetamol"]

RXNORM, ATC, HCPCS = SYSTEMS["rxnorm"], SYSTEMS["atc"], SYSTEMS["hcpcs"]
#: the substance 'Steroid' may be any steroid, not only a corticosteroid
UNCERTAIN = {(SYSTEMS["sct"], "116566001")}
EYE = "ophthalmic"
#: names an allergy list uses beside the ingredients
NSAID_WORDS = {"aspirin", "nsaid", "nsaids", "non-steroidal", "nonsteroidal", "acetylsalicylic"}


@dataclass(frozen=True, slots=True)
class Drug:
    """`form`: injectable, oral, topical, ... or None when the code does not say.

    `injectable_exists` is False for an ingredient no injectable product holds (prednisone).
    `certain` is False when the code only may name the class.
    """

    drug_class: DrugClass
    ingredient: str | None
    form: str | None = None
    injectable_exists: bool = True
    certain: bool = True
    #: the product's own name, which carries its strength
    product: str = ""


def first_word(display: str) -> str:
    """'Hydrocortisone sodium succinate (substance)' -> 'hydrocortisone'.

    Whole first word, because 'prednisolone' is a substring of 'methylprednisolone'.
    """
    words = re.split(r"[\s,(/]+", display.strip().lower(), maxsplit=1)
    return words[0]


class Formulary:
    """Every drug code known, built once from the tables."""

    def __init__(self, terminology: Terminology) -> None:
        self._drugs: dict[tuple[str, str], Drug] = {}
        self._not_drugs: set[tuple[str, str]] = set()
        self._injectable: set[str] = set()
        self._ingredients: set[str] = set()
        self._read_products()
        sets = terminology.value_sets
        for concept in sets.get("corticosteroid-ingredient", ()):
            self._put(concept, self._steroid_ingredient(concept))
        for concept in sets.get("corticosteroid-injectable-product", ()):
            form = "injectable" if concept.role == "include" else EYE
            self._put(concept, Drug("corticosteroid", None, form))
        for concept in sets.get("corticosteroid-hcpcs", ()):
            self._put(concept, Drug("corticosteroid", None, _hcpcs_form(concept)))
        self._read_nsaids(terminology)
        for value_set, drug_class in (
            ("anticoagulant", "anticoagulant"),
            ("paracetamol", "paracetamol"),
        ):
            for concept in sets.get(value_set, ()):
                self._put(concept, Drug(drug_class, concept.display.lower()))  # type: ignore[arg-type]
        names = (first_word(c.display) for c in sets.get("anticoagulant", ()))
        nsaids = {d.ingredient for d in self._drugs.values() if d.drug_class == "nsaid"}
        words = sorted({first_word(n) for n in nsaids if n} - {"m01a"} | NSAID_WORDS)
        self._nsaid = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
        self._anticoagulant = re.compile(rf"\b({'|'.join(sorted(names))})\b", re.IGNORECASE)
        #: charts name the same drugs again and again
        self.anticoagulant_named = remembered(self._anticoagulant_in)

    def names_nsaid(self, name: str) -> bool:
        return bool(self._nsaid.search(name))

    def find(self, system: str, code: str) -> Drug | None:
        drug = self._drugs.get((system, code))
        if drug is None and system == ATC and (system, code) not in self._not_drugs:
            return self._atc_class(code)
        return drug

    def _anticoagulant_in(self, name: str) -> Drug | None:
        found = self._anticoagulant.search(name)
        return Drug("anticoagulant", found.group().lower()) if found else None

    def _atc_class(self, code: str) -> Drug | None:
        if code.startswith("B01A"):
            return Drug("anticoagulant", None)
        for length in range(len(code) - 1, 2, -1):
            above = self._drugs.get((ATC, code[:length]))
            if above is not None:
                return Drug(above.drug_class, None, above.form, certain=above.certain)
        return None

    def _read_products(self) -> None:
        for row in read("products.csv"):
            form, ingredient = row["route_group"], row["ingredient"]
            drug_class: DrugClass = "nsaid" if row["class"] == "nsaid" else "corticosteroid"
            self._drugs[RXNORM, row["rxcui"]] = Drug(
                drug_class, ingredient, form, product=row["name"]
            )
            if drug_class == "corticosteroid":
                self._ingredients.add(ingredient)
                if form == "injectable":
                    self._injectable.add(ingredient)

    def _steroid_ingredient(self, concept: Concept) -> Drug:
        name = first_word(concept.display)
        known = name if name in self._ingredients else None
        form = "topical" if concept.role == "exclude" else None
        certain = (concept.system, concept.code) not in UNCERTAIN
        exists = known is None or known in self._injectable
        return Drug("corticosteroid", known, form, injectable_exists=exists, certain=certain)

    def _read_nsaids(self, terminology: Terminology) -> None:
        for value_set, form in (
            ("nsaid-ingredient", None),
            ("nsaid-topical", "topical"),
            ("nsaid-injectable", "injectable"),
        ):
            for concept in terminology.value_sets.get(value_set, ()):
                if concept.role == "exclude":
                    self._not_drugs.add((concept.system, concept.code))
                    continue
                self._put(concept, Drug("nsaid", first_word(concept.display), form))

    def _put(self, concept: Concept, drug: Drug) -> None:
        # A product row of products.csv already knows the ingredient; a later table only adds form.
        known = self._drugs.get((concept.system, concept.code))
        if known and (drug.ingredient is None or known.product):
            drug = replace(known, form=drug.form or known.form)
        self._drugs[concept.system, concept.code] = drug


def _hcpcs_form(concept: Concept) -> str:
    """J-codes say their form by role: include = injection, neighbour = oral, exclude = eye."""
    return {"include": "injectable", "neighbour": "oral"}.get(concept.role, EYE)
