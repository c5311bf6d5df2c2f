"""The memory that deployments allow is what docs/deployment.md says the service may take."""

from __future__ import annotations

import re

from cds_service.settings import Settings
from cds_service.web.overload import LARGE, room_for
from tests.conftest import ROOT
from tests.deploy.manifests import container
from tests.deploy.test_other_ways import UNIT

PAGE = re.sub(r"\s+", " ", (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8"))


def told(words: str) -> int:
    """The number that stands in the page in the place of N."""
    (found,) = re.findall(re.escape(words).replace("N", r"([0-9,]+)"), PAGE)
    return int(found.replace(",", ""))


def needed(times: int) -> float:
    """MB of all processes, with bodies that take `times` their size."""
    settings = Settings.load()
    bodies = room_for(settings) + settings.in_flight * LARGE
    main, fresh = told("the main process takes N MB"), told("each other process N MB")
    return main + settings.workers * (fresh + times * bodies / 1e6)


def test_the_memory_told_is_what_the_settings_make_of_it() -> None:
    """And a little more, for what is between."""
    usual, worst = needed(told("up to N times the body's size")), needed(told("up to N times for"))
    assert usual <= told("take N MB with nothing but the largest records") < 1.1 * usual
    assert worst <= told("and N MB when a client does its worst") < 1.1 * worst


def test_the_memory_allowed_is_what_bodies_may_take() -> None:
    worst = told("and N MB when a client does its worst") * 1e6
    limit = container("Deployment")["resources"]["limits"]["memory"]
    (unit,) = re.findall(r"^MemoryMax=(\d+)G$", UNIT.read_text(), re.MULTILINE)
    assert limit.endswith("Gi")
    for allowed in (int(limit.removesuffix("Gi")), int(unit)):
        assert worst < allowed * 2**30
