from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from core.foundation.visible import escaped, inline_json, shortened, visible
from core.reports import thin, to_html
from core.reports.content import Report, Section, Words
from tests.core.reports.reporting import HOSTILE, report, scatter

VOID = {"meta", "img", "input", "br", "wbr"}


class Reader(HTMLParser):
    """Every element with its attributes, and the text of each that holds text alone; a tag that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data[:60]}")

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self) -> str:
        return "".join(data for tag, data in self.texts if tag not in ("style", "script"))


@pytest.fixture(scope="module")
def page() -> str:
    return to_html(report())


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


# --- names of strangers


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_text(name: str, read: Reader) -> None:
    assert visible(name) in read.text()


def test_no_name_becomes_an_element(read: Reader) -> None:
    allowed = {
        "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "dl", "dt", "dd", "div", "p", "nav",
        "details", "summary", "ol", "ul", "li", "main", "section", "article", "strong", "pre", "code", "span", "figure", "img",
        "figcaption", "bdi", "wbr", "blockquote", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "g", "path",
        "rect", "line", "text", "input", "label", "canvas", "script", "footer",
    }  # fmt: skip
    assert {tag for tag, _ in read.elements} <= allowed
    for tag, attributes in read.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)


def test_what_turns_the_direction_or_is_unseen_is_written_out(page: str) -> None:
    assert not re.search("[\x00\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", page)
    assert "invoice\\u202egpj.exe" in page
    assert "half\\udc80pair" in page
    page.encode("utf-8")


def test_inline_json_keeps_its_values_and_none_of_html_s_characters() -> None:
    value = {"names": list(HOSTILE[:7]), "rows": [1, 2]}
    text = inline_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_attributes_cannot_be_left() -> None:
    assert escaped("\" onload='x'") == "&quot; onload=&#x27;x&#x27;"


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * 30_000).endswith("... (30,000 characters)")
    assert shortened("a/very/long/name.png", 11) == "a/ver…e.png"
    assert shortened("name.png", 11) == "name.png"


# --- nothing from elsewhere


def test_nothing_refers_to_elsewhere(page: str, read: Reader) -> None:
    for tag, attributes in read.elements:
        for name in ("src", "href", "srcset", "data", "action", "xlink:href", "poster"):
            value = attributes.get(name, "")
            assert value == "" or value.startswith(("data:image/webp;base64,", "#")), (tag, name, value[:60])
    style = "".join(data for tag, data in read.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    assert not read.of("link")
    assert not re.search(r"https?://", page)


def test_the_policy_names_its_own_style_and_script_alone(read: Reader) -> None:
    policy = next(one["content"] for one in read.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        text = [data for name, data in read.texts if name == tag][-1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"


# --- what a page needs


def test_anchors_lead_somewhere_and_ids_are_unique(read: Reader) -> None:
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {one["href"][1:] for one in read.of("a")} <= set(ids)
    assert {one["for"] for one in read.of("label")} <= set(ids)


def test_pictures_and_figures_can_be_read_out(read: Reader) -> None:
    assert read.of("html")[0]["lang"] == "en"
    assert all("alt" in one for one in read.of("img"))
    assert all(one.get("aria-label") or one.get("aria-hidden") for one in read.of("svg"))
    assert all(one.get("alt") for one in read.of("img") if "hidden" not in one)


def test_it_can_be_printed_and_read_in_the_dark(read: Reader) -> None:
    style = "".join(data for tag, data in read.texts if tag == "style")
    for wanted in ("@media print", "@page", "break-inside: avoid", "prefers-color-scheme: dark", "max-width: 60rem"):
        assert wanted in style


def test_every_point_is_drawn_in_every_view_and_told_once() -> None:
    figure = scatter(n=60, marked=7, name="a.png")
    page = to_html(Report("t", [], "v", [], [Section("s", [figure])]))
    told = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', page)[0])
    assert sorted(told["rows"]) == list(range(100, 160))
    assert told["rows"][-7:] == list(range(100, 107)), "marked rows are drawn last, on top"
    for i in range(3):
        drawn = page.split(f'class="view g{i}"')[1].split("</g>")[0]
        points = sum(
            len(re.findall("M", d)) for d in re.findall(r'<path class="[sf]-(?:rest|poison)"[^>]* d="([^"]*)"', drawn)
        )
        assert points == 60


def test_words_that_are_not_there_leave_no_empty_mark() -> None:
    page = to_html(Report("t", [], "v", [], [Section("s", [Words("only this")])]))
    assert "<p>only this</p>" in page


# --- thinned figures


@pytest.mark.parametrize(
    ("n", "marked", "most"), [(10_000, 40, 600), (10_000, 900, 600), (500, 10, 600), (10_000, 0, 600)]
)
def test_thinning_keeps_every_marked_row_and_the_spread_of_the_others(n: int, marked: int, most: int) -> None:
    scores = np.random.default_rng(0).exponential(size=n)
    mask = np.zeros(n, bool)
    mask[np.random.default_rng(1).choice(n, marked, replace=False)] = True
    drawn = thin(scores, mask, most)
    assert mask[drawn].sum() == marked
    assert len(drawn) == min(n, max(most, marked))
    assert (np.diff(drawn) > 0).all()
    if n > most > marked:
        others = np.sort(scores[drawn][~mask[drawn]])
        wanted = np.quantile(scores[~mask], [0.1, 0.5, 0.9])
        assert np.quantile(others, [0.1, 0.5, 0.9]) == pytest.approx(wanted, rel=0.03)
