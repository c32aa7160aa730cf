from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader

from core.reports import to_pdf
from core.reports.content import Report, Section, Table, Words
from core.reports.typeface import LACKING, printable
from tests.core.reports.reporting import HOSTILE, report

SOME = HOSTILE[:10:2] + HOSTILE[9:]  # a page or two each


@pytest.fixture(scope="module")
def made() -> PdfReader:
    return PdfReader(io.BytesIO(to_pdf(report(SOME))))


def words(reader: PdfReader) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def test_every_finding_is_in_its_text_and_its_bookmarks(made: PdfReader) -> None:
    text = words(made)
    titles = [entry.title for entry in _flat(made.outline)]
    for i, name in enumerate(SOME, 1):
        shown = printable(name)[:8]
        assert f"{i}. {shown}" in text or f"{i}. {shown[::-1]}" in text  # pypdf turns lines that run to the left
        assert f"{i}. {printable(name)}" in titles


def _flat(outline: list) -> list:
    return [one for entry in outline for one in (_flat(entry) if isinstance(entry, list) else [entry])]


def test_pages_say_which_they_are_and_of_how_many(made: PdfReader) -> None:
    total = len(made.pages)
    for i, page in enumerate(made.pages, 1):
        assert f"{i} of {total}" in page.extract_text()


def test_it_names_itself_and_embeds_its_letters(made: PdfReader) -> None:
    assert made.metadata.title.startswith("Audit of")
    fonts = made.pages[0]["/Resources"]["/Font"]
    embedded = [
        font.get_object()["/FontDescriptor"].get_object()
        for font in fonts.values()
        if "/FontDescriptor" in font.get_object()
    ]
    assert embedded
    assert all("/FontFile2" in font for font in embedded)


def test_no_page_is_empty(made: PdfReader) -> None:
    assert all(len(page.extract_text()) > 40 for page in made.pages)


def test_letters_that_are_lacking_are_seen_to_be() -> None:
    assert printable("交a") == f"{LACKING}a"
    assert printable("Straße Ωж שלט إشارة ไทย") == "Straße Ωж שלט إشارة ไทย"
    assert printable("a\u202eb") == "a\\u202eb"


def test_a_long_table_repeats_its_head_and_ends() -> None:
    table = Table(["class", "n"], [[f"class {i}", str(i)] for i in range(600)], "all of them")
    reader = PdfReader(
        io.BytesIO(to_pdf(Report("t", [], "v", [], [Section("s", [table]), Section("e", [Words("the end")])])))
    )
    text = words(reader)
    assert "class 399" in text
    assert "400 of 600 lines are printed" in text
    assert all("class n" in re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages[1:-1])
