"""What the tests need travels with the project; these copies equal the shared originals.

Where the originals are not beside the checkout there is nothing to compare.
"""

from __future__ import annotations

import filecmp

import pytest

from tests.conftest import DATA, ROOT
from tools.build_terminology import DATA as PACKAGED
from tools.build_terminology import build

SHARED = ROOT.parent / "shared"
COPIES = {
    "vignettes.json": "clinical/vignettes.json",
    "requirements.csv": "conformance/requirements.csv",
    "hti1_source_attributes.csv": "conformance/hti1_source_attributes.csv",
    "sandbox/recorded": "sandbox/recorded",
}


@pytest.mark.parametrize("copy", COPIES)
def test_the_copy_equals_the_shared_original(copy: str) -> None:
    original = SHARED / COPIES[copy]
    if original.is_dir():
        names = sorted(file.name for file in original.iterdir())
        assert names == sorted(file.name for file in (DATA / copy).iterdir())
        assert filecmp.cmpfiles(original, DATA / copy, names, shallow=False)[0] == names
    elif original.exists():
        assert (DATA / copy).read_bytes() == original.read_bytes()


def test_the_terminology_is_built_from_the_verified_tables() -> None:
    source = SHARED / "terminology"
    if source.is_dir():
        for name, text in build(source).items():
            assert (PACKAGED / name).read_text(encoding="utf-8") == text, name
