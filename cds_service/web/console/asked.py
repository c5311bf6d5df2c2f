"""What each service asks for, key by key, and what becomes of a call that lacks it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cds_service.fhir.reads import READS
from cds_service.fhir.resources import template_type
from cds_service.guideline.finding import Recommendation
from cds_service.service import Service

#: what is needed whatever the rules say
REQUIRED = ("Patient", "Condition")
#: what is lost beside rules that are not judged
ALSO = {
    "AllergyIntolerance": "No NSAID is suggested.",
    "CarePlan": "No rule says that loading is missing.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A prefetch key. `lacking`: what happens when it was not obtained; `rules` need it."""

    name: str
    template: str
    elements: tuple[str, ...]
    lacking: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The services that ask for the same keys."""

    services: tuple[Service, ...]
    keys: tuple[Key, ...]


def asked(services: Iterable[Service]) -> list[Asked]:
    """One entry for each way of asking, in the order of discovery."""
    alike: dict[tuple[tuple[str, str], ...], list[Service]] = {}
    for service in services:
        alike.setdefault(tuple(service.prefetch.items()), []).append(service)
    return [
        Asked(
            services=tuple(some),
            keys=tuple(_key(name, template, _rules(some)) for name, template in prefetch),
        )
        for prefetch, some in alike.items()
    ]


def _rules(services: Sequence[Service]) -> list[Recommendation]:
    return list({rule.id: rule for one in services for rule in one.recommendations}.values())


def _key(name: str, template: str, rules: Sequence[Recommendation]) -> Key:
    kind = template_type(template)
    needing = {rule.id: group for rule in rules for group in rule.needs if kind in group}
    read = READS.get(kind)
    return Key(
        name=name,
        template=template,
        elements=read.elements if read else (),
        lacking=_lacking(kind, needing),
        rules=tuple(needing) if kind not in REQUIRED else (),
    )


def _lacking(kind: str, needing: dict[str, tuple[str, ...]]) -> str:
    if kind in REQUIRED:
        return "412: without it nobody can be judged."
    count = len(needing)
    words = f"{count} rule{'' if count == 1 else 's'} not judged"
    others = dict.fromkeys(one for group in needing.values() for one in group if one != kind)
    told = []
    if others:
        told.append(f"Without this and {' and '.join(others)}: {words}.")
    elif needing:
        told.append(f"{words}.")
    if kind in ALSO:
        told.append(ALSO[kind])
    return " ".join(told) or "Named in the rationale; nothing else."
