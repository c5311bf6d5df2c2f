"""deploy/kubernetes: sound by the published schemas, and true of this service."""

from __future__ import annotations

import re
import stat
from pathlib import PurePosixPath

import kubernetes_validate
import pytest

import cds_service
from cds_service.cli import main
from cds_service.settings import Settings
from cds_service.site import read_site_file
from cds_service.trust.access import ROUTES, Access
from cds_service.web.server import check_may_serve, options
from tests.deploy.image import USER, stages
from tests.deploy.manifests import (
    FOLDER,
    container,
    kustomization,
    pods,
    resources,
    templates,
    variables,
)

KINDS = ["Deployment", "Job", "CronJob"]


@pytest.mark.parametrize("version", ["1.28", "1.31", "1.34", "1.37"])
def test_each_resource_is_what_kubernetes_takes(version: str) -> None:
    assert set(resources()) == {
        "Namespace", "Job", "CronJob", "Deployment", "Service", "PodDisruptionBudget",
        "NetworkPolicy",
    }  # fmt: skip
    for one in resources().values():
        kubernetes_validate.validate(one, version, strict=True)


def test_every_file_is_part_of_it() -> None:
    told = kustomization()
    generated = [name for one in told["configMapGenerator"] for name in one["files"]]
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {"kustomization.yaml", *told["resources"], *generated}


@pytest.mark.parametrize("kind", KINDS)
def test_pods_are_restricted(kind: str) -> None:
    pod, one = pods()[kind], container(kind)
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == USER
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert set(one["resources"]) == {"requests", "limits"}
    labels = resources()["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("kind", KINDS)
def test_images_have_this_version(kind: str) -> None:
    (image,) = kustomization()["images"]
    assert container(kind)["image"] == image["name"]
    assert image["newTag"] == cds_service.__version__


@pytest.mark.parametrize("kind", KINDS)
def test_variables_are_settings_and_the_command_exists(kind: str) -> None:
    told = {name for name in variables(kind) if name.startswith("CDS_SERVICE_")}
    assert told <= Settings.variables().keys()
    command, *rest = container(kind)["args"]
    assert command in main.commands
    assert all(word in main.commands[command].commands for word in rest)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_only_mounted_folders_are_named_and_only_the_state_is_written_to(kind: str) -> None:
    mounts = {one["mountPath"]: one for one in container(kind)["volumeMounts"]}
    writable = [path for path, one in mounts.items() if not one.get("readOnly")]
    assert writable == [stages()[-1].environment["CDS_SERVICE_STATE"]]
    for name in ("CDS_SERVICE_CONFIG", "CDS_SERVICE_KEYS"):
        if name in variables(kind):
            assert str(PurePosixPath(variables(kind)[name]).parent) in mounts
    volumes = {one["name"]: one for one in pods()[kind]["volumes"]}
    assert {one["name"] for one in mounts.values()} == volumes.keys()
    secret = volumes["secret"]["secret"]
    assert not secret["defaultMode"] & stat.S_IRWXO  # such a file of keys is refused
    assert secret["defaultMode"] & stat.S_IRGRP
    assert (
        variables(kind)["CDS_SERVICE_DATABASE_URL"]["secretKeyRef"]["name"] == secret["secretName"]
    )


def test_the_settings_let_it_start(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        name: value for name, value in variables("Deployment").items() if isinstance(value, str)
    }
    given |= {
        "CDS_SERVICE_CONFIG": str(FOLDER / "site.toml"),
        "CDS_SERVICE_DATABASE_URL": "postgresql://h/n",
    }
    inside = {n: v for n, v in stages()[-1].environment.items() if n.startswith("CDS_SERVICE_")}
    for name, value in (inside | given).items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    check_may_serve(settings)
    assert settings.auth == "required"
    assert list(read_site_file(FOLDER / "site.toml").clients) == ["north-hospital"]


def test_ports_are_those_it_listens_on() -> None:
    ports = {one["name"]: one["containerPort"] for one in container("Deployment")["ports"]}
    assert str(ports["http"]) == stages()[-1].last("EXPOSE")
    assert variables("Deployment")["CDS_SERVICE_METRICS"] == f"0.0.0.0:{ports['metrics']}"
    template = resources()["Deployment"]["spec"]["template"]
    noted = template["metadata"]["annotations"]
    assert noted["prometheus.io/port"] == str(ports["metrics"])
    assert noted["prometheus.io/path"] in ROUTES
    (offered,) = resources()["Service"]["spec"]["ports"]
    assert offered["targetPort"] == "http"
    entering = resources()["NetworkPolicy"]["spec"]["ingress"]
    assert [port["port"] for rule in entering for port in rule["ports"]] == ["http", "metrics"]


def test_probes_ask_what_is_served_to_anyone() -> None:
    probes = {n: one for n, one in container("Deployment").items() if n.endswith("Probe")}
    asked = {name: one["httpGet"]["path"] for name, one in probes.items()}
    assert asked == {
        "startupProbe": "/health",
        "livenessProbe": "/health",
        "readinessProbe": "/ready",
    }
    assert all(ROUTES[path] is Access.PUBLIC for path in asked.values())
    assert {one["httpGet"]["port"] for one in probes.values()} == {"http"}


def test_a_pod_that_ends_is_out_of_service_first_and_has_time_to_finish() -> None:
    drain = float(variables("Deployment")["CDS_SERVICE_DRAIN"])
    probe = container("Deployment")["readinessProbe"]
    noticed = probe["failureThreshold"] * probe["periodSeconds"] + probe["timeoutSeconds"]
    assert noticed < drain
    graceful = options(Settings.load())["graceful_timeout"]
    assert pods()["Deployment"]["terminationGracePeriodSeconds"] > drain + graceful


def test_selectors_find_the_servers_and_no_job() -> None:
    found = resources()
    labels = {kind: one["metadata"]["labels"] for kind, one in templates().items()}
    for selector in (
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        *(
            one["labelSelector"]["matchLabels"]
            for one in pods()["Deployment"]["topologySpreadConstraints"]
        ),
    ):
        assert selector.items() <= labels["Deployment"].items()
        assert not any(selector.items() <= labels[kind].items() for kind in ("Job", "CronJob"))
    both = found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    assert all(both.items() <= one.items() for one in labels.values())


def test_records_are_purged_every_day_by_one_job_in_the_servers_zone() -> None:
    spec = resources()["CronJob"]["spec"]
    assert spec["schedule"].split()[2:] == ["*", "*", "*"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert container("CronJob")["args"] == ["ledger", "purge"]
    servers, purge = variables("Deployment"), variables("CronJob")
    shared = {f"CDS_SERVICE_{name}" for name in ("CONFIG", "DATABASE_URL", "KEYS", "TIMEZONE")}
    assert {name: servers[name] for name in shared} == purge


def test_there_is_always_one_that_serves() -> None:
    spec = resources()["Deployment"]["spec"]
    assert spec["replicas"] > resources()["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_what_leaves_is_named() -> None:
    leaving = resources()["NetworkPolicy"]["spec"]
    assert leaving["policyTypes"] == ["Ingress", "Egress"]
    ports = [port["port"] for rule in leaving["egress"] for port in rule["ports"]]
    assert ports == [53, 53, 5432, 443]
    outside = leaving["egress"][-1]["to"][0]["ipBlock"]
    assert "169.254.0.0/16" in outside["except"]  # the cloud's metadata


def test_secrets_are_named_and_not_kept() -> None:
    text = "".join(path.read_text() for path in FOLDER.iterdir())
    assert not re.search(r"kind: Secret|stringData|postgresql://", text)
