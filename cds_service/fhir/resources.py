"""What the caller sent: prefetch values as resources by type, each with its JSON path.

Per prefetch key: a resource, a Bundle or a list of them is data; null is known to be empty; a
missing key was not sent; an OperationOutcome is an error; a Bundle with a `next` link is
incomplete. What is lacking may be completed (see `prefetch`). A resource of another patient refuses
the whole call, wherever it came from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from cds_service.errors import BadRequest, DataUnavailable
from cds_service.fhir.releases import as_r4
from cds_service.fhir.releases.reshape import as_sent

MORE = "there are more pages (a next link)"
OWNERS = ("subject", "patient")
DEEPEST = 20  # lists and Bundles within each other; real calls have two or three
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


class Resource(NamedTuple):
    """One resource under R4's names, where it stood, and the name facts refer to it by.

    A tuple, for a chart holds a thousand: it is made in a third of a frozen dataclass's time.
    """

    type: str
    raw: Mapping[str, Any]
    path: str
    reference: str
    #: as received, where that is another release than R4; and R4's names -> those received
    received: Mapping[str, Any] | None = None
    names: Mapping[str, str] = MappingProxyType({})

    @property
    def sent(self) -> Mapping[str, Any]:
        """The resource as the client sent it."""
        return self.raw if self.received is None else self.received

    @property
    def sent_reference(self) -> str:
        """'Procedure/p1', by the type and id it was sent with, whatever the id is like."""
        if self.received is None and self.reference != self.path:
            return self.reference
        return f"{self.sent['resourceType']}/{self.sent.get('id')}"

    def at(self, element: str) -> str:
        """The JSON path of an element (under R4's name), in the names the client used."""
        return f"{self.path}.{self.named(element)}"

    def named(self, element: str) -> str:
        """The element (under R4's name) as the client named it."""
        return as_sent(element, self.names) if self.names else element


@dataclass(frozen=True, slots=True)
class Fetched:
    """What fetching brought for one prefetch key: resources or pages, and `why` not all of them.

    `outcome` is a class for counting; `status` the last HTTP status.
    """

    values: tuple[Any, ...] = ()
    why: str = ""
    outcome: str = "ok"
    status: int | None = None
    seconds: float = 0.0


#: templates, and the keys that lack something with the reason -> what could be had for them
Complete = Callable[[Mapping[str, str], Mapping[str, str]], Mapping[str, Fetched]]


def _nothing(_templates: Mapping[str, str], _lacking: Mapping[str, str]) -> Mapping[str, Fetched]:
    return {}


@dataclass(slots=True)
class Evidence:
    """`by_type`: resources in a fixed order. `missing`: type -> why it was not obtained."""

    by_type: dict[str, list[Resource]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    #: types the site's EHR does not have: noted, not missing
    unsupported: dict[str, str] = field(default_factory=dict)
    #: fullUrl and Type/id -> resource, for references within the prefetch
    named: dict[str, Resource] = field(default_factory=dict)
    #: the orders this call is about: drafts, those dispatched, or bookings
    drafts: list[Resource] = field(default_factory=list)
    #: 'ServiceRequest/id' of orders placed before, now dispatched: no part of their own history
    dispatched: frozenset[str] = frozenset()
    #: references of the conditions being added to the problem list
    added: frozenset[str] = frozenset()

    def of(self, resource_type: str) -> list[Resource]:
        return self.by_type.get(resource_type, [])

    def resolve(self, reference: object, owner: Resource) -> Mapping[str, Any] | None:
        """The resource a reference names: contained (#id), or another one of the prefetch."""
        if not isinstance(reference, str):
            return None
        if reference.startswith("#"):
            return _contained(owner, reference[1:])
        found = self.named.get(reference) or self.named.get(relative(reference))
        return found.raw if found else None


def _contained(owner: Resource, wanted: str) -> Mapping[str, Any] | None:
    contained = owner.raw.get("contained")
    for one in contained if isinstance(contained, list) else ():
        if isinstance(one, dict) and one.get("id") == wanted:
            return one
    return None


def relative(reference: str) -> str:
    """'https://ehr.example/fhir/Procedure/p1/_history/2' -> 'Procedure/p1'."""
    parts = reference.split("/_history/", 1)[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def template_type(template: str) -> str:
    """The resource type a prefetch template asks for."""
    return re.split(r"[/?]", template, maxsplit=1)[0]


def gather(
    templates: Mapping[str, str],
    prefetch: Mapping[str, Any],
    patient_id: str,
    complete: Complete = _nothing,
) -> Evidence:
    """Evidence from the prefetch of one request, and from what `complete` could add to it.

    Raises BadRequest for a value that is no FHIR JSON, DataUnavailable (412) when a resource
    belongs to another patient.
    """
    evidence = Evidence()
    found: dict[str, Resource] = {}
    lacking = {k: f"prefetch key '{k}' was not supplied" for k in templates if k not in prefetch}
    for key, value in prefetch.items():
        problem = collect(value, f"prefetch.{key}", found, evidence)
        if problem and key in templates:
            lacking[key] = f"prefetch key '{key}': {problem}"
    for key, fetched in complete(templates, lacking).items():
        problem = _add_fetched(key, fetched, found, evidence) or fetched.why
        if problem:
            lacking[key] += f"; not fetched: {problem}"
        else:
            del lacking[key]
    evidence.missing = {template_type(templates[key]): why for key, why in lacking.items()}
    by_type: defaultdict[str, list[Resource]] = defaultdict(list)
    for reference in sorted(found):
        resource = found[reference]
        by_type[resource.type].append(resource)
        evidence.named.setdefault(resource.sent_reference, resource)
    evidence.by_type = dict(by_type)
    _same_patient(evidence, patient_id)
    return evidence


def _add_fetched(
    key: str, fetched: Fetched, found: dict[str, Resource], evidence: Evidence
) -> str | None:
    """As `collect`, of pages whose `next` links were followed. What is no FHIR is not had."""
    try:
        for index, value in enumerate(fetched.values):
            problem = collect(value, f"fhirServer.{key}[{index}]", found, evidence)
            if problem and problem != MORE:
                return problem
    except BadRequest as error:
        return f"the FHIR server's answer: {error}"
    return None


def collect(value: Any, path: str, found: dict[str, Resource], evidence: Evidence) -> str | None:
    """Put the resources of one value into `found`; returns what makes it incomplete."""
    if value is None:
        return None
    if path.count("[") > DEEPEST:
        raise BadRequest("Bundles or lists within each other, too deep", expression=[path[:200]])
    if isinstance(value, list):
        problems = [collect(v, f"{path}[{i}]", found, evidence) for i, v in enumerate(value)]
        return next(filter(None, problems), None)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise BadRequest("not a FHIR resource, Bundle, list of them or null", expression=[path])
    if value["resourceType"] == "OperationOutcome":
        return "an OperationOutcome instead of data"
    if value["resourceType"] == "Bundle":
        return _bundle(value, path, found, evidence)
    _add(resource_at(value, path), found)
    return None


def _bundle(
    bundle: Mapping[str, Any], path: str, found: dict[str, Resource], evidence: Evidence
) -> str | None:
    problem: str | None = None
    entries = bundle.get("entry") or []
    if not isinstance(entries, list):
        raise BadRequest("Bundle.entry is not a list", expression=[f"{path}.entry"])
    flat = path.count("[") < DEEPEST
    for index, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if resource is None:
            continue
        here = f"{path}.entry[{index}].resource"
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind == "OperationOutcome":
            problem = problem or _outcome_problem(resource)
            continue
        one = resource_at(resource, here) if isinstance(kind, str) else None
        if one and flat and kind != "Bundle":  # as nearly all are
            _add(one, found)
        else:
            problem = collect(resource, here, found, evidence) or problem
        full_url = entry.get("fullUrl")
        if one and isinstance(full_url, str):
            evidence.named[full_url] = one
    return problem or (MORE if next_link(bundle) is not None else None)


def next_link(bundle: object) -> str | None:
    """The address of the next page of a search, where there is one."""
    links = bundle.get("link") if isinstance(bundle, Mapping) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next":
            return str(link.get("url") or "")
    return None


def _outcome_problem(outcome: Mapping[str, Any]) -> str | None:
    """A search may carry warnings as an outcome entry; only errors make it incomplete."""
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else ():
        if isinstance(issue, dict) and issue.get("severity") in ("error", "fatal"):
            return "an OperationOutcome with an error among the entries"
    return None


def resource_at(raw: Mapping[str, Any], path: str) -> Resource:
    """The resource under R4's names, known by the reference it was sent with."""
    reference, made = _reference(raw, path), as_r4(raw)
    if made is None:
        return Resource(raw["resourceType"], raw, path, reference)
    return Resource(made.raw["resourceType"], made.raw, path, reference, raw, made.names)


def _reference(raw: Mapping[str, Any], path: str) -> str:
    """'Procedure/p1', or the JSON path of a resource without a usable id."""
    identity = raw.get("id")
    if isinstance(identity, str) and _ID.fullmatch(identity):
        return f"{raw['resourceType']}/{identity}"
    return path


def _add(resource: Resource, found: dict[str, Resource]) -> None:
    """The same resource sent twice is one; of two versions the later one counts."""
    known = found.get(resource.reference)
    if known is None or _version(resource) > _version(known):
        found[resource.reference] = resource


def _version(resource: Resource) -> tuple[str, str]:
    """Later is more; without a time the content decides, so that the order sent never does."""
    meta = resource.raw.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return updated if isinstance(updated, str) else "", repr(sorted(resource.sent.items(), key=str))


def _same_patient(evidence: Evidence, patient_id: str) -> None:
    """Another patient's data must never make a card."""
    own: set[str] = set()
    for resource in _all(evidence):
        if resource.type == "Patient":
            if resource.raw.get("id") != patient_id:
                raise foreign(f"{resource.path}.id")
            continue
        subject = resource.raw.get("subject")
        told = subject.get("reference") if isinstance(subject, dict) else None
        if isinstance(told, str) and told in own and "patient" not in resource.raw:
            continue  # as nearly all are
        about(resource, evidence, patient_id, own=own)


def about(
    resource: Resource,
    evidence: Evidence,
    patient_id: str,
    *elements: str,
    own: set[str] | None = None,
) -> None:
    """Raises DataUnavailable when the resource names another patient (in one of `elements`).

    `own`: references already found to name the patient, for a caller that asks for many.
    """
    own = set() if own is None else own
    for element in elements or OWNERS:
        owner = resource.raw.get(element)
        if owner is None:
            continue
        reference = owner.get("reference", "") if isinstance(owner, dict) else None
        if not isinstance(reference, str):
            raise foreign(f"{resource.path}.{element}")
        if reference and reference not in own:
            if not is_patient(reference, evidence, patient_id):
                raise foreign(f"{resource.path}.{element}.reference")
            own.add(reference)


def is_patient(reference: str, evidence: Evidence, patient_id: str) -> bool:
    """Whether the reference names the patient of the call."""
    named = evidence.named.get(reference)
    if named is not None and named.type == "Patient":
        return named.raw.get("id") == patient_id
    if reference.startswith("urn:"):
        return reference.rsplit(":", 1)[-1] == patient_id
    return relative(reference) == f"Patient/{patient_id}"


def foreign(path: str) -> DataUnavailable:
    """The refusal of what is about another patient."""
    return DataUnavailable("this resource is not about context.patientId", expression=[path])


def _all(evidence: Evidence) -> Iterator[Resource]:
    for resources in evidence.by_type.values():
        yield from resources
