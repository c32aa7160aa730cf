from __future__ import annotations

import pytest

from core.foundation.sources import FITS, full_source, short_source


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("truck/0001.png", "0001.png"),
        ("data/17.png", "17.png"),
        ("test.parquet, row 17", "test.parquet, row 17"),
        ("imgs[17]", "imgs[17]"),
        ("a/n01440764_10026_variant_7.JPEG", "n0144076…ariant_7.JPEG"),
        ("17", ""),
        (17, ""),
        ("", ""),
        ("odd/", "odd"),
        ("<b>x</b>", "b>"),  # escaping is the page's business; the path is cut at its slash
    ],
)
def test_a_source_in_short(source: object, short: str) -> None:
    assert short_source(source) == short
    assert len(short) <= FITS


def test_signs_that_hide_or_turn_a_name_are_seen() -> None:
    assert full_source("a/evil\u202egnp.exe\n\x00") == "a/evil\ufffdgnp.exe\ufffd\ufffd"
    assert "\u202e" not in short_source("a/evil\u202egnp.exe")
