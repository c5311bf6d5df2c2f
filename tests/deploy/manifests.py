"""deploy/kubernetes as data."""

from __future__ import annotations

from typing import Any

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"


def kustomization() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return told


def resources() -> dict[str, dict[str, Any]]:
    """Each resource that is applied, by its kind: there is one of each."""
    loaded = [yaml.safe_load((FOLDER / name).read_text()) for name in kustomization()["resources"]]
    return {one["kind"]: one for one in loaded}


def pods() -> dict[str, dict[str, Any]]:
    """The specification of the pods of each kind that makes some."""
    return {kind: one["spec"] for kind, one in templates().items()}


def templates() -> dict[str, dict[str, Any]]:
    """What the pods of each kind are made from."""
    found = resources()
    specs = {kind: found[kind]["spec"] for kind in ("Deployment", "Job")}
    specs["CronJob"] = found["CronJob"]["spec"]["jobTemplate"]["spec"]
    return {kind: spec["template"] for kind, spec in specs.items()}


def container(kind: str) -> dict[str, Any]:
    """The only container of these pods."""
    (one,) = pods()[kind]["containers"]
    told: dict[str, Any] = one
    return told


def variables(kind: str) -> dict[str, Any]:
    """Environment variable -> value, or where it comes from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container(kind)["env"]}
