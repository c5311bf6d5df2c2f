"""Who may use which route, and how an open server protects itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from cds_service.errors import SettingsError
from cds_service.settings import Settings
from cds_service.store.opening import open_store
from cds_service.trust import access
from cds_service.trust.access import ROUTES, Access, check, needed
from cds_service.trust.refusals import refused
from cds_service.web import create_app, errors, gate, operators
from tests.conftest import ROOT
from tests.deploy.nginx import EXAMPLE, PREFIX, concrete, is_outside
from tests.operators import operators_file
from tests.test_docs import rows
from tests.trust.signing import Ehr, Key, jwks
from tests.web.fakes import FakeService

MakeApp = Callable[..., Flask]
EHR = Ehr(Key("a"))


@pytest.fixture
def required(make_app: MakeApp, tmp_path: Path) -> Callable[..., Flask]:
    (tmp_path / "keys.json").write_bytes(jwks(EHR.key))
    file = tmp_path / "site.toml"
    file.write_text('[clients.north]\niss = "https://ehr.example"\njwks = "keys.json"\n')
    return lambda *services, **given: make_app(*services, auth="required", config=file, **given)


@pytest.fixture
def with_log_in(tmp_path: Path) -> Iterator[Flask]:
    """A deployment whose operators log in, and whose EHR launches the SMART app."""
    file = tmp_path / "with-smart.toml"
    file.write_text(
        '[clients.north]\niss = "https://ehr.example"\njku = "https://ehr.example/keys"\n'
        'fhir_servers = ["https://fhir.example"]\nsmart = {client_id = "pht"}\n'
    )
    settings = Settings.load(
        auth="open",
        console="password",
        metrics="off",
        operators=operators_file(tmp_path),
        state=tmp_path,
        config=file,
    )
    store = open_store(settings)
    yield create_app(settings, [FakeService()], store=store)
    store.close()


@pytest.fixture
def everything(required: MakeApp, with_log_in: Flask, demo_client: FlaskClient) -> set[str]:
    """Every route that any configuration serves."""
    apps = [required(console="local"), with_log_in, demo_client.application]
    return {rule.rule for app in apps for rule in app.url_map.iter_rules()}


def test_somebody_decided_who_may_use_each_route(everything: set[str]) -> None:
    assert everything == ROUTES.keys()


def test_the_table_in_the_documentation_is_the_one_in_force() -> None:
    told = {row[0]: row[1] for row in rows(ROOT / "docs" / "security.md", "Route")}
    assert told == {route: str(needs) for route, needs in ROUTES.items()}


def test_the_example_of_a_proxy_lets_through_what_is_for_clients_and_for_anyone() -> None:
    (outside,) = re.findall(r"location ~ (\S+) \{", EXAMPLE.read_text(encoding="utf-8"))
    for route in ROUTES:
        through = re.search(outside, PREFIX + concrete(route)) is not None
        assert through == is_outside(route), f"{route} (deploy/nginx.conf)"


def test_a_route_nobody_thought_about_is_not_served() -> None:
    with pytest.raises(SettingsError, match="who may use /new"):
        check(["/health", "/new"])


def test_discovery_may_be_kept_to_clients() -> None:
    assert needed("/cds-services", discovery_is_public=True) is Access.PUBLIC
    assert needed("/cds-services", discovery_is_public=False) is Access.CLIENT


def path_of(rule: Rule) -> str:
    return rule.build(dict.fromkeys(rule.arguments, "x"))[1]  # type: ignore[index]


def test_a_stranger_gets_what_is_public_and_nothing_else(required: MakeApp) -> None:
    app = required(console="local", discovery="client")
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    for rule in app.url_map.iter_rules():
        method = "POST" if "POST" in rule.methods else "GET"
        answer = app.test_client().open(path_of(rule), method=method, headers=stranger)
        needs = needed(rule.rule, discovery_is_public=False)
        if needs is Access.CLIENT:
            assert answer.status_code == 401, rule
        elif needs is Access.OPERATOR:
            assert answer.status_code in (401, 403, 404), rule
        else:
            assert answer.status_code not in (401, 403), rule


@pytest.mark.parametrize(
    ("console", "host", "status"),
    [("off", "localhost", 404), ("local", "evil.example", 404), ("local", "localhost", 200)],
)
def test_an_operator_route_is_guarded_without_a_guard_of_its_own(
    monkeypatch: pytest.MonkeyPatch, console: str, host: str, status: int
) -> None:
    monkeypatch.setattr(access, "ROUTES", {"/analytics": Access.OPERATOR})
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/analytics", view_func=lambda: "figures")
    errors.init_app(app)
    rule = operators.rule(Settings.load(console=console), demo=False)
    gate.init_app(app, Settings.load(auth="open", hosts=host), None, operator=rule)
    answer = app.test_client().get("/analytics", headers={"Host": host})
    assert answer.status_code == status
    assert (b"figures" in answer.data) == (status == 200)


def test_who_is_not_known_is_asked_for_a_token(required: MakeApp) -> None:
    answer = required().test_client().post("/cds-services/fake", json={})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["issue"][0]["code"] == "login"


def test_a_page_of_a_listed_origin_can_read_that_it_is_refused(required: MakeApp) -> None:
    client = required(cors_origins="https://ehr.example").test_client()
    answer = client.post("/cds-services/fake", headers={"Origin": "https://ehr.example"})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "https://ehr.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_each_refusal_can_be_counted(required: MakeApp) -> None:
    counted: list[tuple[str, Any]] = []

    def count(reason: str, client: str | None) -> None:
        counted.append((reason, client))

    with refused.connected_to(count):
        required().test_client().post("/cds-services/fake")
    assert counted == [("no-token", None)]


def test_what_is_not_there_is_told_to_anyone(required: MakeApp) -> None:
    client = required().test_client()
    assert client.get("/nothing").status_code == 404
    assert client.get("/cds-services/fake").status_code == 405


def test_the_shared_id_opens_no_service_that_is_not_allowed(
    required: MakeApp, tmp_path: Path, call: dict[str, Any]
) -> None:
    app = required(shared_id="shared", public_url="https://cds.example")
    token = EHR.bearer("https://cds.example/cds-services/shared")
    assert app.test_client().post("/cds-services/shared", json=call, headers=token).json["cards"]
    with (tmp_path / "site.toml").open("a") as file:
        file.write('services = ["other"]\n')
    services = (FakeService(), FakeService(id="other", hook="order-sign"))
    app = required(*services, shared_id="shared", public_url="https://cds.example")
    token = EHR.bearer("https://cds.example/cds-services/shared")
    answer = app.test_client().post("/cds-services/shared", json=call, headers=token)
    assert answer.status_code == 403


# --- open servers ---


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7"],
)
def test_an_open_server_answers_under_names_that_cannot_be_turned(
    client: FlaskClient, host: str
) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "x", "[x]"]
)
def test_attack_dns_rebinding(client: FlaskClient, call: dict[str, Any], host: str) -> None:
    """A page of evil.example whose name was made to point to this machine."""
    answer = client.post("/cds-services/fake", json=call, headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert answer.json["resourceType"] == "OperationOutcome"


def test_more_names_can_be_allowed(make_app: MakeApp) -> None:
    client = make_app(hosts="cds.lan", public_url="https://cds.example.org/pht").test_client()
    for host in ("cds.lan", "CDS.lan:8000", "cds.example.org"):
        assert client.get("/health", headers={"Host": host}).status_code == 200
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("header", operators.FORWARDED)
def test_attack_a_proxy_in_front_of_an_open_server(client: FlaskClient, header: str) -> None:
    assert client.get("/health", headers={header: "127.0.0.1"}).status_code == 421


def test_behind_authentication_a_proxy_and_any_name_are_in_order(required: MakeApp) -> None:
    headers = {"Host": "cds.example.org", "X-Forwarded-For": "203.0.113.9"}
    assert required().test_client().get("/health", headers=headers).status_code == 200


# --- CORS and links ---


@pytest.mark.parametrize(
    "origin", ["null", "https://ehr.example.evil.example", "http://ehr.example"]
)
def test_attack_an_origin_that_only_looks_listed(make_app: MakeApp, origin: str) -> None:
    client = make_app(cors_origins="https://ehr.example").test_client()
    for ask in (client.get, client.options):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = ask("/cds-services", headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_demo_allows_any_origin_but_never_credentials(demo_client: FlaskClient) -> None:
    answer = demo_client.get("/cds-services", headers={"Origin": "https://x.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_where_operators_log_in_a_stranger_sees_the_form_and_no_page(with_log_in: Flask) -> None:
    for rule in with_log_in.url_map.iter_rules():
        if needed(rule.rule, discovery_is_public=True) is Access.OPERATOR:
            for method in ("GET", "POST"):
                if method in rule.methods:
                    answer = with_log_in.test_client().open(path_of(rule), method=method)
                    # /metrics has a setting of its own
                    assert answer.status_code == (404 if rule.rule == "/metrics" else 403), rule
    assert with_log_in.test_client().get("/console/login").status_code == 200
