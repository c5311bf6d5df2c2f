"""deploy/nginx.conf, run by a real nginx before the real service."""

from __future__ import annotations

import json
import socket
import ssl
import warnings

import httpx
import pytest
import requests

from cds_service.settings import Settings
from tests.conformance.calls import VIEW, overdue
from tests.deploy.conftest import HSTS, Site, outcome
from tests.deploy.nginx import EXAMPLE, PREFIX

pytestmark = pytest.mark.slow


def test_discovery_and_a_call_by_the_public_address(site: Site) -> None:
    offered = site.get("/cds-services").json()["services"]
    assert "pht-patient-view" in [one["id"] for one in offered]
    answer = site.post()
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    assert card["source"]["topic"]["code"] == "surgical-referral-overdue"
    assert card["links"][0]["url"].startswith(site.nginx.url + "/")


def test_tokens_made_out_to_the_server_itself_are_refused(site: Site) -> None:
    assert site.post(aud=site.running.url + VIEW).status_code == 401
    assert site.post(aud=site.nginx.url.removesuffix(PREFIX) + VIEW).status_code == 401


def test_every_answer_asks_for_https_once(site: Site) -> None:
    for answer in (site.post(), site.get("/guideline"), site.get("/nothing")):
        for name, value in HSTS.items():
            assert answer.headers[name] == value  # requests joins repeated ones by a comma


def test_links_on_pages_hold_the_path(site: Site) -> None:
    page = site.get("/")
    assert page.status_code == 200
    assert f'href="{PREFIX}/static/' in page.text
    style = page.text.partition(f'href="{PREFIX}')[2].partition('"')[0]
    assert site.get(style).status_code == 200


def test_http_2_is_spoken(site: Site) -> None:
    context = ssl.create_default_context(cafile=site.nginx.authority)
    with httpx.Client(http2=True, verify=context, trust_env=False) as client:
        url = site.nginx.url + VIEW
        answer = client.post(url, json=overdue(), headers=site.ehr.bearer(url))
    assert answer.http_version == "HTTP/2"
    assert len(answer.json()["cards"]) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(site: Site, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=site.nginx.authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", site.nginx.port)) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
        context.wrap_socket(plain, server_hostname="localhost"),
    ):
        pass


def test_both_limits_on_bodies_are_the_same(site: Site) -> None:
    limit = Settings.model_fields["body_limit"].default
    assert f"client_max_body_size {limit};" in EXAMPLE.read_text()
    padded = json.dumps(overdue() | {"extension": {"pad": ["x" * 1000] * 9500}}).encode()
    fits = padded + b" " * (limit - len(padded))
    url = site.nginx.url + VIEW
    for body, status in ((fits, 200), (fits + b" ", 413)):
        headers = site.ehr.bearer(url) | {"Content-Type": "application/json"}
        answer = requests.post(
            url, data=body, headers=headers, verify=site.nginx.authority, timeout=60
        )
        assert answer.status_code == status
    outcome(answer, 413, "too-long")
    assert "temporary file" not in site.nginx.log()


def test_forged_headers_change_nothing_at_the_service(site: Site) -> None:
    forged = {"X-Forwarded-Protocol": "http", "SCRIPT_NAME": "/evil", "Forwarded": "host=evil"}
    answer = site.post(**forged)
    assert answer.status_code == 200
    assert answer.json()["cards"][0]["links"][0]["url"].startswith(site.nginx.url + "/")
