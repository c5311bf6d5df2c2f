"""A proxy with nothing but `proxy_pass`: it names the service as the host, and tells nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import Start, _free_port
from tests.deploy.nginx import MAIN, NGINX
from tests.trust.signing import Ehr, Key, jwks
from tests.trust.test_reload import eventually

pytestmark = pytest.mark.slow

BARE = "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {behind}; }} }}"


@pytest.fixture
def behind(start: Start, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The proxy's address, and the log of a service that others reach as cds.example.org."""
    if NGINX is None:
        pytest.skip("nginx is missing (on Debian: apt-get install nginx-light)")
    (tmp_path / "ehr.json").write_bytes(jwks(Ehr(Key("one")).key))
    (tmp_path / "site.toml").write_text(
        '[clients.ehr]\niss = "https://ehr.example"\njwks = "ehr.json"\n'
    )
    running = start(
        "serve",
        CDS_SERVICE_CONFIG=str(tmp_path / "site.toml"),
        CDS_SERVICE_PUBLIC_URL="https://cds.example.org",
    )
    port = _free_port()
    site = BARE.format(port=port, behind=running.url)
    (tmp_path / "cds-service.conf").write_text(site)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(MAIN.format(user=user, folder=tmp_path))
    words = [NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(words) as nginx:
        yield f"http://127.0.0.1:{port}", running.log.read_text()
        nginx.terminate()


def test_attack_metrics_through_a_proxy_that_tells_nothing(behind: tuple[str, str]) -> None:
    url, log = behind
    assert eventually(lambda: is_up(url))
    assert requests.get(url + "/metrics", timeout=20).status_code == 404
    assert "/metrics is off" in log


def is_up(url: str) -> bool:
    try:
        return requests.get(url + "/health", timeout=20).status_code == 200
    except requests.ConnectionError:
        return False
