"""Operators who log in through nginx, where its example lets the console through."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from cds_service.errors import NotLoggedIn
from cds_service.protocol.messages import violations
from tests.conftest import Start
from tests.deploy.nginx import PREFIX, Nginx, new_nginx
from tests.operators import PASSWORD, line, operators_file
from tests.trust.signing import Ehr, Key, jwks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nginx(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    made, folder = new_nginx(tmp_path_factory.mktemp("nginx")), tmp_path_factory.mktemp("service")
    (folder / "ehr.json").write_bytes(jwks(Ehr(Key("one")).key))
    (folder / "site.toml").write_text(
        '[clients.ehr]\niss = "https://ehr.example"\njwks = "ehr.json"\n'
    )
    running = start(
        "serve",
        CDS_SERVICE_CONFIG=str(folder / "site.toml"),
        CDS_SERVICE_CONSOLE="password",
        CDS_SERVICE_OPERATORS=str(operators_file(folder, line("ada"))),
        CDS_SERVICE_PUBLIC_URL=made.url,
        CDS_SERVICE_STATE=str(folder / "state"),
        CDS_SERVICE_DATABASE_TIMEOUT="5000",
    )
    made.changes = [
        ("/pht/(?:$|", "/pht/(?:$|console/|"),
        ("Host $host;", f"Host $host:{made.port};"),  # not the port that HTTPS has by itself
    ]
    made.serve(int(running.url.rpartition(":")[2]))
    yield made
    made.stop()


def test_an_operator_logs_in_below_the_path(nginx: Nginx) -> None:
    origin = {"Origin": nginx.url.removesuffix(PREFIX)}
    more = {"verify": nginx.authority, "timeout": 30}
    with requests.Session() as browser:
        login = nginx.url + "/console/login"
        sent_there = browser.get(
            nginx.url + "/console/what-if", headers={"Accept": "text/html"}, **more
        )
        assert sent_there.url.startswith(login)
        found = re.search(r'name="csrf_token" value="([^"]+)"', sent_there.text)
        assert found
        form = {"csrf_token": found[1], "name": "ada", "password": PASSWORD}
        elsewhere = {"Origin": "https://evil.example"}
        assert browser.post(login, data=form, headers=elsewhere, **more).status_code == 403
        entered = browser.post(login, data=form, headers=origin, **more)
        assert entered.status_code == 200
        assert entered.url == nginx.url + "/console/what-if"
        assert all(cookie.secure for cookie in browser.cookies)
        assert browser.cookies


def test_who_has_not_logged_in_sees_nothing_of_it(nginx: Nginx) -> None:
    answer = requests.get(nginx.url + "/console/what-if", verify=nginx.authority, timeout=30)
    assert answer.status_code == NotLoggedIn.status
    assert violations("outcome", answer.json()) == []
