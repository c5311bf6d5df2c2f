"""The service's own codes as a FHIR R4 CodeSystem (published at /fhir/CodeSystem/pht)."""

from __future__ import annotations

from typing import Any

from cds_service.terminology.tables import LOCAL, read


def code_system() -> dict[str, Any]:
    """CodeSystem of local-codes.csv: what no standard code names (terminology notes, section 1)."""
    concepts = []
    for row in read("local-codes.csv"):
        concept: dict[str, Any] = {"code": row["code"], "display": row["display"]}
        if row["definition"]:
            concept["definition"] = row["definition"]
        concept["property"] = [{"code": "kind", "valueCode": row["kind"]}]
        concepts.append(concept)
    return {
        "resourceType": "CodeSystem",
        "id": "pht",
        "url": LOCAL,
        "version": "1.0.0",
        "name": "ProximalHamstringTendinopathy",
        "title": "Proximal hamstring tendinopathy: codes no standard terminology has",
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "property": [
            {
                "code": "kind",
                "description": "The kind of record the code is used in",
                "type": "code",
            }
        ],
        "concept": concepts,
    }
