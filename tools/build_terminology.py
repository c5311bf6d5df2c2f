"""Bring the project's terminology data up to date with the verified tables.

    python tools/build_terminology.py ../shared/terminology

Copies the tables into cds_service/terminology/data with four changes, each for a reason:

- rows that nobody verified are left out: an unverified code is never shipped;
- CPT rows lose the AMA's descriptors (licensed text) and get the plain words of cpt-words.csv;
- the `verified_from` of CPT rows, which quotes those descriptors, becomes a plain statement;
- `verified_from` loses the notes of a search nobody else can repeat: its result numbers.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable
from pathlib import Path

CPT = "http://www.ama-assn.org/go/cpt"
CPT_SOURCE = (
    "CMS physician fee schedule, October 2025 (code and status; plain words are this project's)"
)
DATA = Path(__file__).parent.parent / "cds_service" / "terminology" / "data"
_NOTES_OF_THE_SEARCH = re.compile(
    r" \(find_string ids? [\d, ]*\d\)| \+ find_string ids? [\d, ]*\d(?: \(FSN\))?"
    r"|find_string ids? [\d, ]*\d[:,]? ?|, docs corpus(?=\))| \(docs corpus\)"
)
#: name in the verified tables -> name in the package
TABLES = {
    "codes.csv": "codes.csv",
    "comorbidities.csv": "comorbidities.csv",
    "rxnorm_expansion.csv": "products.csv",
    "local-codes.csv": "local-codes.csv",
    "text-terms.csv": "text-terms.csv",
}


def cpt_words() -> dict[str, str]:
    with (DATA / "cpt-words.csv").open(newline="", encoding="utf-8") as table:
        return {row["code"]: row["words"] for row in csv.DictReader(table)}


def converted(rows: Iterable[dict[str, str]], words: dict[str, str]) -> list[dict[str, str]]:
    """The rows as the package ships them (see the head of this file)."""
    kept = []
    for row in rows:
        if row.get("confidence") == "unverified":
            continue
        if row.get("system") == CPT:
            kept.append({**row, "display": words[row["code"]], "verified_from": CPT_SOURCE})
        else:
            kept.append(row | _source(row))
    return kept


def _source(row: dict[str, str]) -> dict[str, str]:
    if "verified_from" not in row:
        return {}
    told = _NOTES_OF_THE_SEARCH.sub("", row["verified_from"])
    return {"verified_from": told.replace("PyPI ", "Python package ")}


def build(source: Path) -> dict[str, str]:
    """File name in the package -> its whole text, made from the verified tables in `source`."""
    words = cpt_words()
    built = {}
    for theirs, ours in TABLES.items():
        with (source / theirs).open(newline="", encoding="utf-8") as table:
            reader = csv.DictReader(table)
            rows = converted(reader, words)
            fields = list(reader.fieldnames or ())
        built[ours] = as_csv(fields, rows)
    return built


def as_csv(fields: list[str], rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    for name, text in build(Path(sys.argv[1])).items():
        (DATA / name).write_text(text, encoding="utf-8")
        print(f"{name}: {text.count(chr(10)) - 1} rows")
