from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds_service.errors import SettingsError
from cds_service.settings import Settings


def site_file(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "site.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.load(config=file)


def test_defaults_are_safe() -> None:
    settings = Settings.load()
    assert settings.auth == "required"
    assert settings.host == "127.0.0.1"
    assert settings.cors_origins == ()
    assert settings.today is None
    site = settings.site()
    assert not site.accept_nonspecific
    assert not site.advise_patients


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_TODAY", "2026-06-15")
    monkeypatch.setenv("CDS_SERVICE_TIMEZONE", "Australia/Sydney")
    monkeypatch.setenv("CDS_SERVICE_CORS_ORIGINS", "https://a.example, http://localhost:8080")
    monkeypatch.setenv("CDS_SERVICE_ADVISE_PATIENTS", "true")
    settings = Settings.load()
    assert settings.cors_origins == ("https://a.example", "http://localhost:8080")
    site = settings.site()
    assert site.fixed_today == date(2026, 6, 15)
    assert site.timezone == ZoneInfo("Australia/Sydney")
    assert site.advise_patients


def test_an_empty_date_is_no_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_TODAY", "")
    assert Settings.load().today is None


def test_a_misspelt_setting_stops_the_start_and_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CDS_SERVICE_TIMEZOME", "UTC")
    with pytest.raises(SettingsError, match=r"TIMEZOME.*did you mean CDS_SERVICE_TIMEZONE"):
        Settings.load()


def test_what_kubernetes_sets_is_not_a_misspelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("CDS_SERVICE_PORT_8000_TCP_ADDR", "10.0.0.1")
    Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "tcp://10.0.0.1:8000"),
        ("AUTH", "none"),
        ("TIMEZONE", "Middle/Earth"),
        ("TIMEZONE", "../etc/passwd"),
        ("TODAY", "15.6.2026"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("PUBLIC_URL", "cds.example.org"),
        ("PUBLIC_URL", "https://cds.example.org?x=1"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CDS_SERVICE_{name}", value)
    with pytest.raises(SettingsError, match=f"^CDS_SERVICE_{name}: "):
        Settings.load()


def test_all_faults_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SERVICE_PORT", "x")
    monkeypatch.setenv("CDS_SERVICE_AUTH", "x")
    with pytest.raises(SettingsError, match=r"AUTH.*PORT"):
        Settings.load()


def test_the_public_url_has_no_trailing_slash_and_defaults_to_the_port() -> None:
    assert Settings.load(port=9000).base_url() == "http://localhost:9000"
    assert Settings.load(public_url="https://x.example/cds/").site().public_url == (
        "https://x.example/cds"
    )


def test_the_site_file_gives_modes_parameters_and_codes(tmp_path: Path) -> None:
    text = """
        [rules.steroid-overuse]
        mode = "shadow"
        [parameters]
        steroid-interval-minimum = 42
        [codes.pht-condition]
        "http://snomed.info/sct" = ["1", "2"]
    """
    site = site_file(tmp_path, text).site()
    assert site.rule_modes == {"steroid-overuse": "shadow"}
    assert site.parameters == {"steroid-interval-minimum": 42}
    assert site.codes == {"pht-condition": {"http://snomed.info/sct": ("1", "2")}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[rule.x]\nmode='on'", r"\[rule\] is unknown"),
        ("[rules.x]\nmode='maybe'", r"\[rules.x\] needs one line"),
        ("[rules.x]\nmode='on'\nparameter=1", r"\[rules.x\] needs one line"),
        ("rules = 1", "rules must be a table"),
        ("[rules]\nx = 1", r"rules.x must be a table"),
        ("[parameters]\nx = '1'", "parameters.x must be a number"),
        ("[parameters]\nx = true", "parameters.x must be a number"),
        ("[codes.x]\ny = 'z'", r'codes.x."y" must be a list of codes'),
        ("[codes.x]\ny = [1]", r'codes.x."y" must be a list of codes'),
        ("[codes]\nx = 1", "codes.x must be a table"),
        ("[rules", "is not valid TOML"),
    ],
)
def test_a_faulty_site_file_stops_the_start_and_says_where(
    text: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=rf"site.toml: .*{complaint}"):
        site_file(tmp_path, text).site()


def test_a_missing_site_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(config=tmp_path / "none.toml").site()
