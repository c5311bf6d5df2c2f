"""gunicorn, run from Python, and the conditions under which it may serve."""

from __future__ import annotations

import gc
import ipaddress
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import wsgi

from cds_service.errors import CdsError, SettingsError
from cds_service.settings import Settings
from cds_service.web import arenas, log, readiness, sharing
from cds_service.web.stopping import DrainingArbiter, Stopping
from cds_service.web.wiring import begin
from cds_service.web.worker import Worker

logger = logging.getLogger("cds_service.server")

COLLECT_AFTER = 10_000  # objects more than before


def check_may_serve(
    settings: Settings, *, allow_fixed_today: bool = False, allow_remote: bool = False
) -> None:
    """Raises SettingsError with every reason not to serve patients like this."""
    reasons = []
    if settings.today and settings.auth != "open" and not allow_fixed_today:
        reasons.append(
            f"CDS_SERVICE_TODAY fixes the clinical date at {settings.today}; that needs"
            " --allow-fixed-today (or CDS_SERVICE_AUTH=open), and is never for patient care."
        )
    reasons += _faults_of_tls(settings)
    if settings.console == "password" and _in_clear(settings):
        reasons.append(
            "CDS_SERVICE_CONSOLE=password needs a CDS_SERVICE_PUBLIC_URL with https: passwords"
            " would cross the network in clear text."
        )
    if settings.console == "local" and is_far(settings):
        reasons.append(
            "CDS_SERVICE_CONSOLE=local is not for a CDS_SERVICE_PUBLIC_URL of other machines: a"
            " proxy on this one would open it to all who reach that. Use 'password'."
        )
    remote = not is_loopback(settings.host)
    if settings.auth == "required" and remote and not settings.public_url:
        reasons.append(
            "CDS_SERVICE_PUBLIC_URL is not set: clients' tokens are made out to it, and"
            f" {settings.host} can be reached from other machines."
        )
    if settings.auth == "open" and remote and not allow_remote:
        reasons.append(
            f"{settings.host} can be reached from other machines, and callers are not"
            " authenticated. Listen on 127.0.0.1, or force it with --allow-remote."
        )
    if reasons:
        raise SettingsError("\n".join(reasons))


def is_far(settings: Settings) -> bool:
    """Whether callers come to a name that is not this machine's own: perhaps through a proxy."""
    return not is_loopback(urlsplit(settings.base_url()).hostname or "")


def _in_clear(settings: Settings) -> bool:
    """Whether callers elsewhere would come by plain HTTP."""
    elsewhere = is_far(settings) or not is_loopback(settings.host)
    return elsewhere and not settings.base_url().startswith("https:")


def _faults_of_tls(settings: Settings) -> list[str]:
    """A pair that cannot be loaded would end each worker as it starts."""
    if settings.tls_certificate is None and settings.tls_key is None:
        return []
    if settings.tls_certificate is None or settings.tls_key is None:
        return ["CDS_SERVICE_TLS_CERTIFICATE and CDS_SERVICE_TLS_KEY need each other."]
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_certificate, settings.tls_key
        )
    except OSError as error:  # ssl.SSLError is one
        return [f"CDS_SERVICE_TLS_CERTIFICATE or _KEY cannot be used ({type(error).__name__})."]
    return []


def warnings(settings: Settings) -> list[str]:
    """What whoever starts the service must know."""
    told = []
    if settings.auth == "open":
        told.append("Callers are NOT authenticated. Do not use with data of real patients.")
    if settings.auth == "open" and not is_loopback(settings.host):
        told.append(f"Listening on {settings.host}: other machines can reach this service.")
    if settings.auth == "required" and _in_clear(settings):
        told.append(
            f"Callers come by {settings.base_url()}: patients' data, and tokens, cross the network"
            " in CLEAR TEXT. CDS Hooks requires TLS."
        )
    if settings.metrics == "local" and is_far(settings):
        told.append(
            "/metrics is off: behind a proxy 'local' would be everyone. Give it an address of its"
            " own (CDS_SERVICE_METRICS=127.0.0.1:9090), or say 'off'."
        )
    metrics = settings.metrics_address()
    if metrics and not is_loopback(metrics[0]):
        told.append(f"Metrics at {settings.metrics}: other machines can read them.")
    if settings.today:
        told.append(f"The clinical date is fixed at {settings.today}: NOT for patient care.")
    return told


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def run(app: Flask, settings: Settings, rebuild: Callable[[], Flask]) -> None:
    """Serves until told to stop (SIGTERM, SIGINT: requests under way are finished).

    On SIGHUP `rebuild` makes the application anew, and new workers take over.
    """
    arenas.limit()
    with sharing.shared():
        Server(app, options(settings), rebuild, drain=settings.drain).run()


def options(settings: Settings) -> dict[str, Any]:
    """gunicorn's settings; those not named keep its defaults."""
    shared_memory = Path("/dev/shm")  # noqa: S108  # heartbeats must not wait for a disk
    return {
        "bind": [f"{_written(host)}:{port}" for host, port in _addresses(settings)],
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_connections": 4 * settings.threads,  # the others wait for a next request
        "worker_class": Worker.within(settings.patience),
        "worker_tmp_dir": str(shared_memory) if shared_memory.is_dir() else None,
        "timeout": 30,
        "graceful_timeout": 20,
        "keepalive": 5,
        "control_socket_disable": True,
        "pre_fork": sharing.assign_slot,
        "post_fork": sharing.take_slot,
        "logconfig_dict": log.config(settings.log_level),
        "logger_class": _Logger,
        "proc_name": "cds-service",
        "certfile": str(settings.tls_certificate) if settings.tls_certificate else None,
        "keyfile": str(settings.tls_key) if settings.tls_key else None,
        "ssl_context": _tls,
    }


def _addresses(settings: Settings) -> list[tuple[str, int]]:
    own = settings.metrics_address()
    return [(settings.host, settings.port), *([own] if own else [])]


def _written(host: str) -> str:
    bare = host.strip("[]")
    return f"[{bare}]" if ":" in bare else bare  # IPv6


def _tls(_config: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """gunicorn's context, TLS 1.2 or later."""
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Logger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """No access log: each request has its line (`cds_service.web.log`), and this one costs time."""

    access_log_enabled = False


def _keep_loaded() -> None:
    """What is loaded stays: the collector of cycles passes it over, in this and the workers.

    A body of 1 MB is made of 13,500 objects, none of them in a cycle; at Python's own threshold it
    would set off 19 collections, some over all that is loaded and all that is being read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """An application built before the workers fork, so that faults show at once."""

    def __init__(
        self,
        app: Flask,
        chosen: dict[str, Any],
        rebuild: Callable[[], Flask],
        *,
        drain: float = 0.0,
    ) -> None:
        self._app = app
        self._drain = drain
        self.stopping = Stopping()
        self._rebuild = rebuild
        self._chosen = chosen
        wsgi.SERVER = "cds-service"  # the Server header: what runs behind is nobody's business
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def reload(self) -> None:
        """Called by gunicorn on SIGHUP: the new configuration whole, or the old one."""
        try:
            self._app = self._rebuild()
        except CdsError as error:
            logger.warning("configuration not reloaded, the old one stays: %s", error)
            readiness.of(self._app).reload_failed = True
        except Exception:  # whatever it is, it must not stop those who are being served
            logger.exception("configuration not reloaded, the old one stays")
            readiness.of(self._app).reload_failed = True
        else:
            logger.info("configuration reloaded")
        _keep_loaded()
        super().reload()  # new workers take over, and know what became of it

    def run(self) -> None:
        """Until told to stop."""
        _keep_loaded()
        DrainingArbiter(self, self.stopping, self._drain).run()

    def load(self) -> Flask:
        """Called by gunicorn in each worker."""
        readiness.prepare(self._app)
        begin(self._app)
        return self._app
