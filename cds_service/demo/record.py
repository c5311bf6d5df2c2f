"""FHIR resources in memory, searched as a FHIR server would: enough for prefetch templates.

Understood: `patient`, `subject`, `_id`, the token parameters of `TOKENS`, and `_include` of
a medication. As FHIR allows, other parameters are ignored; `APPLIED` names those that are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]

# Search parameter -> element that holds a code or CodeableConcepts.
TOKENS = {
    "_id": "id",
    "category": "category",
    "clinical-status": "clinicalStatus",
    "code": "code",
    "status": "status",
}
APPLIED = frozenset({"patient", "subject", "_include", *TOKENS})


@dataclass(frozen=True, slots=True)
class Found:
    """What a search yields: the matches, and what `_include` adds to them."""

    matches: list[Resource]
    included: list[Resource]


class Record:
    """Resources by type, in the order they came."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, list[Resource]] = {}
        self._by_reference: dict[str, Resource] = {}
        for resource in resources:
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
            if "id" in resource:
                self._by_reference[f"{resource['resourceType']}/{resource['id']}"] = resource

    @property
    def types(self) -> frozenset[str]:
        """The resource types held."""
        return frozenset(self._by_type)

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """The resource, or None."""
        return self._by_reference.get(f"{resource_type}/{resource_id}")

    def of_type(self, resource_type: str) -> list[Resource]:
        """All resources of the type."""
        return list(self._by_type.get(resource_type, ()))

    def search(self, resource_type: str, parameters: Parameters) -> Found:
        """Resources that meet every parameter; commas within a value mean 'or'."""
        matches = [
            resource
            for resource in self._by_type.get(resource_type, ())
            if all(_meets(resource, name, value) for name, value in parameters)
        ]
        wanted = any(n == "_include" and v.endswith(":medication") for n, v in parameters)
        return Found(matches, self._medications(matches) if wanted else [])

    def _medications(self, matches: list[Resource]) -> list[Resource]:
        references = (m.get("medicationReference", {}).get("reference", "") for m in matches)
        named = dict.fromkeys(_last_two(reference) for reference in references)
        return [self._by_reference[name] for name in named if name in self._by_reference]


def resources_of(bundle: Mapping[str, Any]) -> Iterator[Resource]:
    """The resources of a Bundle, those of Bundles within it included."""
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            continue
        if resource["resourceType"] == "Bundle":
            yield from resources_of(resource)
        else:
            yield resource


def searchset(found: Found, *, base: str, total: int | None = None) -> Resource:
    """The Bundle a FHIR server at `base` answers with; `total` when matches are a page of it."""
    entries = [
        {
            "fullUrl": f"{base}/{resource['resourceType']}/{resource.get('id', '')}",
            "resource": resource,
            "search": {"mode": mode},
        }
        for mode, resources in (("match", found.matches), ("include", found.included))
        for resource in resources
    ]
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found.matches) if total is None else total,
    }
    return {**bundle, "entry": entries} if entries else bundle


def _meets(resource: Resource, name: str, value: str) -> bool:
    if name in ("patient", "subject"):
        return any(_is_about(resource, patient) for patient in value.split(","))
    if name in TOKENS:
        held = list(_tokens(resource.get(TOKENS[name])))
        return any(_token_matches(held, token) for token in value.split(","))
    return True


def _is_about(resource: Resource, patient: str) -> bool:
    reference = resource.get("subject") or resource.get("patient") or {}
    return _last_two(reference.get("reference", "")) == f"Patient/{patient.rpartition('/')[2]}"


def _last_two(reference: str) -> str:
    """`Patient/1` of `Patient/1`, `https://x/Patient/1` and `Patient/1/_history/2`."""
    return "/".join(reference.split("/_history/", maxsplit=1)[0].split("/")[-2:])


def _tokens(element: Any) -> Iterator[tuple[str, str]]:
    """(system, code) pairs of an element: a code, a CodeableConcept, or a list of these."""
    if isinstance(element, str):
        yield "", element
    elif isinstance(element, list):
        for one in element:
            yield from _tokens(one)
    elif isinstance(element, dict):
        for coding in element.get("coding", ()):
            yield coding.get("system", ""), coding.get("code", "")


def _token_matches(held: list[tuple[str, str]], token: str) -> bool:
    system, bar, code = token.rpartition("|")
    if not bar:
        return any(code == held_code for _, held_code in held)
    return any(system == held_system and code in ("", held_code) for held_system, held_code in held)
