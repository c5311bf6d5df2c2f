"""The value sets as a page, searched without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.terminology.valuesets import default_terminology


def test_every_value_set_is_listed_with_what_it_leaves_out(client: FlaskClient) -> None:
    page = client.get("/value-sets").text
    for name in default_terminology().value_sets:
        assert f'href="/value-sets?set={name}"' in page
    assert "No standard code names the disease" in page


def test_a_set_shows_its_codes_and_where_they_were_verified(client: FlaskClient) -> None:
    page = client.get("/value-sets?set=shockwave").text
    assert "<code>0101T</code>" in page
    assert "plain words are this" in page
    assert "M76.891" not in page


@pytest.mark.parametrize("words", ["M76.891", "m76.891", "lower limb"])
def test_a_search_finds_codes_and_words(client: FlaskClient, words: str) -> None:
    assert "<code>M76.891</code>" in client.get("/value-sets", query_string={"q": words}).text


def test_what_is_searched_for_is_never_markup(client: FlaskClient) -> None:
    page = client.get("/value-sets", query_string={"q": '"><script>x</script>'}).text
    assert "<script" not in page
    assert "0 codes" in page
    assert not re.search(r"\sstyle=|\son\w+=", page)


def test_codes_of_the_site_are_there(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[codes.pht]\n"urn:site" = ["HAM-TEND"]\n')
    page = make_app(config=file).test_client().get("/value-sets?q=ham-tend").text
    assert "<code>HAM-TEND</code>" in page
    assert "site configuration" in page
