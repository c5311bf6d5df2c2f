"""A real nginx, run from deploy/nginx.conf with other ports, names, certificates and paths."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import trustme

from cds_service.trust.access import ROUTES, Access
from tests.conftest import ROOT, _free_port

EXAMPLE = ROOT / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PREFIX = "/pht"

#: what Debian's /etc/nginx/nginx.conf has around the file, but in a folder of the test's own
MAIN = """
{user}daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log off;
    include {folder}/cds-service.conf;
}}
"""


#: public, and still not for the world: for what runs the service
INSIDE = {"/ready", "/metrics", "/console/login"}


def is_outside(route: str) -> bool:
    """Whether the world may reach this route through the proxy."""
    return ROUTES[route] in (Access.PUBLIC, Access.CLIENT, Access.SMART) and route not in INSIDE


def concrete(route: str) -> str:
    """A path under this route."""
    for variable, value in {
        "<view>": "0123456789abcdef",
        "<service_id>": "pht-patient-view",
        "<path:filename>": "style.css",
        "<resource_type>": "Patient",
        "<resource_id>": "1",
    }.items():
        route = route.replace(variable, value)
    assert "<" not in route, route
    return route


def site(
    folder: Path, port: int, servers: Sequence[int], changes: Sequence[tuple[str, str]] = ()
) -> str:
    """The example with `servers` (ports on loopback) behind it; each change must fit somewhere."""
    text = EXAMPLE.read_text(encoding="utf-8")
    one = "server 127.0.0.1:8000 "
    (line,) = [line for line in text.splitlines() if line.strip().startswith(one)]
    lines = [line.replace(one, f"server 127.0.0.1:{server} ") for server in servers]
    for old, new in (
        (line, "\n".join(lines)),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("server_name cds.example.org;", "server_name localhost;"),
        ("/etc/cds-service/tls/", f"{folder}/"),
        ("/var/log/nginx/cds-service.log", f"{folder}/access.log"),
        # Warnings tell of bodies that are written to disk.
        ("/var/log/nginx/cds-service-error.log error;", f"{folder}/error.log warn;"),
        *changes,
    ):
        assert old in text, f"deploy/nginx.conf has no {old!r}"
        text = text.replace(old, new)
    return text


@dataclass
class Nginx:
    """A running nginx. `authority` is the file of the authority that vouches for it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    changes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def url(self) -> str:
        """The public URL, with the path of the example."""
        return f"https://localhost:{self.port}{PREFIX}"

    def serve(self, *servers: int) -> None:
        """Writes the configuration for these servers, and starts or reloads."""
        text = site(self.folder, self.port, servers, self.changes)
        (self.folder / "cds-service.conf").write_text(text, encoding="utf-8")
        if self.process is None:
            self.process = subprocess.Popen(self._command)
            self._wait()
        else:
            before = self._workers(self.process)
            self.process.send_signal(signal.SIGHUP)
            for _ in range(200):  # until those of before have finished what they had
                if not before & self._workers(self.process):
                    break
                time.sleep(0.05)

    def _workers(self, main: subprocess.Popen[bytes]) -> set[str]:
        return set(Path(f"/proc/{main.pid}/task/{main.pid}/children").read_text().split())

    def check(self) -> str:
        """What nginx itself says about the configuration."""
        done = subprocess.run([*self._command, "-t"], capture_output=True, text=True, check=False)
        return done.stderr

    def log(self) -> str:
        return (self.folder / "error.log").read_text(encoding="utf-8")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
            self.process = None

    @property
    def _command(self) -> list[str]:
        return [str(NGINX), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _wait(self) -> None:
        for _ in range(100):
            try:
                requests.get(f"https://localhost:{self.port}/", verify=self.authority, timeout=5)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"nginx does not answer: {self.check()} {self.log()}")


def new_nginx(folder: Path) -> Nginx:
    """An nginx that is not started yet; the test is skipped when nginx is missing."""
    if NGINX is None:
        pytest.skip("nginx is missing (on Debian: apt-get install nginx-light)")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("localhost", "127.0.0.1", "elsewhere.example")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(str(folder / "fullchain.pem"), append=number > 0)
    user = "user root;\n" if os.geteuid() == 0 else ""
    main = MAIN.format(user=user, folder=folder)
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    return Nginx(folder, _free_port())
