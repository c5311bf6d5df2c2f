"""The curated phrases: the only text that names the disease (guideline G1a)."""

from __future__ import annotations

import pytest

from cds_service.terminology import text
from cds_service.terminology.tables import read, stated_side

PHRASES = [
    r["term"] for r in read("text-terms.csv") if r["concept"] == "pht" and r["match"] == "phrase"
]


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_of_the_table_is_found_whole(phrase: str) -> None:
    assert text.names_pht(f"Chronic {phrase.upper()}, left.")
    assert text.names_pht(phrase.replace(" ", "  "))
    assert not text.names_pht(f"x{phrase}")
    assert not text.names_pht(f"{phrase}x")


@pytest.mark.parametrize(
    "words",
    ["distal", "knee", "no", "not", "without", "ruled out", "ruled-out", "rule out", "rule/out",
     "history of", "possible", "suspected", "?"],
)  # fmt: skip
def test_every_doubting_word_undoes_every_phrase(words: str) -> None:
    for phrase in PHRASES:
        assert not text.names_pht(f"{words} {phrase}")
        assert not text.names_pht(f"{phrase} {words}")


@pytest.mark.parametrize("words", ["notes", "north", "known", "kneeling", "nonunion", "impossibly"])
def test_a_doubting_word_inside_another_word_doubts_nothing(words: str) -> None:
    assert text.names_pht(f"{words} proximal hamstring tendinopathy")


@pytest.mark.parametrize(
    ("words", "confirms"),
    [
        ("hamstring tendinopathy", True),
        ("Hamstring TENDON degeneration", True),
        ("enthesopathy of hamstring", True),
        ("hamstrings origin", True),
        ("proximal hamstring", True),
        ("hamstring strain", False),
        ("tendon origin", False),
        ("distal hamstring tendon", False),
        ("hamstringlike tendon", False),
    ],
)
def test_hamstring_confirms_only_together_with_a_tendon_word(words: str, confirms: bool) -> None:
    assert text.confirms_hamstring(words) is confirms


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ("Left hip", "left"),
        ("hip (RIGHT)", "right"),
        ("bilateral", "both"),
        ("left and right", "both"),
        ("both sides", "both"),
        ("leftover", None),
        ("bright", None),
        ("", None),
    ],
)
def test_side_words_are_whole_words(words: str, side: str | None) -> None:
    assert stated_side(words) == side


@pytest.mark.parametrize(
    "words",
    [
        *[r["term"] for r in read("text-terms.csv") if r["match"] == "phrase"],
        "left hamstring",
        "hamstrings",
        "hamstringlike",
        "tendinopathy",
        "",
    ],
)
def test_one_look_finds_what_each_look_finds(words: str) -> None:
    each = text.names_pht(words) or text.mentions_hamstring(words)
    assert text.mentions_subject(words) is each
