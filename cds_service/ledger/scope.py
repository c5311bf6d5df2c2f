"""Whose records: the client and tenant, and patient, user and encounter as keyed hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cds_service.fhir.resources import relative
from cds_service.protocol.request import HookRequest
from cds_service.store.keys import Keyring

ID = "id"  # the purpose of hashes of FHIR ids
FACTS = "facts"  # and of fingerprints
INSTANCE = "hook instance"
#: what is kept of a `fhirServer`: a base address and nothing else
_BASE = re.compile(r"https?://[\w.:\[\]-]{1,255}(/[\w.~/-]{0,255})?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who was advised: a client and, where it tells one, a tenant. "" is no tenant."""

    client: str
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An owner's FHIR server: ids mean something only within it."""

    owner: Owner
    fhir_base: str

    @classmethod
    def of(cls, owner: Owner, request: HookRequest) -> Scope:
        base = (request.fhir_server or "").rstrip("/")
        return cls(owner=owner, fhir_base=base if _BASE.fullmatch(base) else "")

    def digest(self, keys: Keyring, reference: str) -> str:
        """The hash of `Patient/123`, under the current key."""
        return keys.digest(ID, *self._parts(reference))

    def digests(self, keys: Keyring, reference: str) -> tuple[str, ...]:
        """The same under every key."""
        return keys.digests(ID, *self._parts(reference))

    def _parts(self, reference: str) -> tuple[str, ...]:
        return (self.owner.tenant, self.owner.client, self.fhir_base, relative(reference))


def patient(request: HookRequest) -> str:
    return f"Patient/{request.patient_id}"


def encounter(request: HookRequest) -> str | None:
    return f"Encounter/{request.encounter_id}" if request.encounter_id else None
