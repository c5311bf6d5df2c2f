"""What an operator does now and then: backups, new certificates, new versions."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
import requests
import trustme

from cds_service.store.keys import new_line
from tests.conftest import Running, Start, _clean_environment
from tests.deploy.nginx import new_nginx
from tests.ledger.telling import FEEDBACK, VIEW, overridden
from tests.ledger.test_repeats import info
from tests.postgres import Postgres

pytestmark = pytest.mark.slow


def serve(start: Start, folder: Path, **more: str) -> Running:
    given = {
        "CDS_SERVICE_AUTH": "open",
        "CDS_SERVICE_TODAY": "2026-06-15",
        "CDS_SERVICE_DATABASE_TIMEOUT": "5000",
        "CDS_SERVICE_STATE": str(folder),
    }
    return start("serve", **given | more)


def shown(running: Running) -> list[dict[str, object]]:
    """The cards of one chart, opened anew by the same user."""
    body = info() | {"hookInstance": str(uuid4())}
    answer = requests.post(running.url + VIEW, json=body, timeout=30)
    assert answer.status_code == 200
    cards: list[dict[str, object]] = answer.json()["cards"]
    return cards


def dismiss(running: Running) -> None:
    (card,) = shown(running)
    told = {"feedback": [overridden(card)]}
    assert requests.post(running.url + FEEDBACK, json=told, timeout=30).status_code == 200
    assert shown(running) == []


def test_a_backup_of_postgresql_with_the_keys_remembers_what_was_dismissed(
    start: Start, postgres: Postgres, tmp_path: Path
) -> None:
    keys, others = tmp_path / "keys", tmp_path / "others"
    for file in (keys, others):
        file.write_text(new_line())
        file.chmod(0o600)
    url, restored = (postgres.create(f"{name}{uuid4().hex}") for name in ("old", "new"))
    given = {"CDS_SERVICE_DATABASE_URL": url, "CDS_SERVICE_KEYS": str(keys)}
    migrate(tmp_path, given)
    running = serve(start, tmp_path / "first", **given)
    dismiss(running)
    running.stop()
    dump = tmp_path / "backup"
    client(postgres, "pg_dump", "--format=custom", f"--file={dump}", url)
    client(postgres, "pg_restore", "--no-owner", f"--dbname={restored}", str(dump))
    given["CDS_SERVICE_DATABASE_URL"] = restored
    assert shown(serve(start, tmp_path / "second", **given)) == []
    # The dump alone does not tell who dismissed what.
    given["CDS_SERVICE_KEYS"] = str(others)
    assert len(shown(serve(start, tmp_path / "third", **given))) == 1


def migrate(folder: Path, given: dict[str, str]) -> None:
    state = {"CDS_SERVICE_STATE": str(folder / "operator")}
    subprocess.run(
        [sys.executable, "-m", "cds_service", "ledger", "migrate"],
        env={**_clean_environment(), **state, **given},
        check=True,
        capture_output=True,
    )


def client(postgres: Postgres, program: str, *words: str) -> None:
    done = subprocess.run([postgres.binaries / program, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_copy_of_sqlite_taken_while_it_serves_remembers_too(start: Start, tmp_path: Path) -> None:
    running = serve(start, tmp_path / "first")
    dismiss(running)
    (tmp_path / "second").mkdir(mode=0o700)
    with (
        sqlite3.connect(tmp_path / "first" / "ledger.sqlite3") as there,
        sqlite3.connect(tmp_path / "second" / "ledger.sqlite3") as here,
    ):
        there.backup(here)
    there.close()
    here.close()
    shutil.copy(tmp_path / "first" / "keys", tmp_path / "second" / "keys")
    running.stop()
    assert shown(serve(start, tmp_path / "second")) == []


def certificate_at(port: int) -> bytes | None:
    """The certificate that is shown on this port."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain) as secured,
    ):
        return secured.getpeercert(binary_form=True)


def renew(certificate: Path, key: Path) -> None:
    made = trustme.CA().issue_cert("localhost")
    made.private_key_pem.write_to_path(str(key))
    made.cert_chain_pems[0].write_to_path(str(certificate))


def test_the_service_shows_a_new_certificate_at_once(start: Start, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    renew(certificate, key)
    running = serve(
        start,
        tmp_path / "state",
        CDS_SERVICE_TLS_CERTIFICATE=str(certificate),
        CDS_SERVICE_TLS_KEY=str(key),
    )
    port = int(running.url.rpartition(":")[2])
    before = certificate_at(port)
    renew(certificate, key)
    assert certificate_at(port) != before


def test_nginx_shows_a_new_certificate_when_it_is_reloaded(tmp_path: Path) -> None:
    nginx = new_nginx(tmp_path)
    nginx.serve(9)
    before = certificate_at(nginx.port)
    renew(tmp_path / "fullchain.pem", tmp_path / "key.pem")
    assert certificate_at(nginx.port) == before
    nginx.serve(9)
    for _ in range(100):
        if certificate_at(nginx.port) != before:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the old certificate is still shown")
    nginx.stop()
