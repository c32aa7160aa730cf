"""Names that look like markup are shown as they are."""

from __future__ import annotations

import pytest

from core.attacks import Goal
from core.experiment import RunConfig
from dashboard.lab.budget import Room
from dashboard.lab.words import sentence
from dashboard.plain import JOINER, as_is, in_figure
from dashboard.widgets import as_sentence


@pytest.mark.parametrize(
    "name", ["stop", "speed 80", "t-shirt", "7", "Straße (50 km/h)", "class a", "犬", "x/y, z; w = 3!"]
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert as_is(name) == name


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("*bold*", r"\*bold\*"),
        ("a_b_c", r"a\_b\_c"),
        ("`code`", r"\`code\`"),
        ("[link](x)", r"\[link\](x)"),
        ("<b>", r"\<b\>"),
        ("$x$", r"\$x\$"),
        ("# one", r"\# one"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("a|b", r"a\|b"),
        ("two\nlines", "two lines"),
        (":red[x]", r"\:red\[x\]"),
        (":smile:", rf"\:{JOINER}smile:"),
        ("a -> b", rf"a -{JOINER}\> b"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_what_markdown_would_read_is_escaped(name: str, markdown: str) -> None:
    assert as_is(name) == markdown


def test_what_is_escaped_reads_as_before() -> None:
    name = "*a* _b_ `c` [d](e) <f> $g$ ~h~ |i| &amp; j@k :l: www.m :n[o]"
    assert as_is(name).replace("\\", "").replace(JOINER, "") == name


def test_what_cannot_be_seen_or_turns_the_direction_is_written_out() -> None:
    assert as_is("photo\u202egpj.exe") == "photo\\\\u202egpj.exe"
    assert "\x1b" not in as_is("\x1b[2Jred")


def test_a_message_with_a_name_in_it_is_a_sentence() -> None:
    assert as_sentence("there is no class '*x*'") == r"There is no class '\*x\*'."


def test_tags_in_a_figure_are_text() -> None:
    assert in_figure("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"


def test_the_sentence_and_the_problem_of_the_lab_show_names_as_they_are() -> None:
    names = ("*a*", "<b>", "c")
    said = sentence(RunConfig(source=0, target=1, poisons=3).resolved(), names, 9)
    assert r"images of *\*a\**" in said
    assert r"the label *\<b\>*" in said
    assert r"*\*a\**" in Room((9, 9, 9), Goal((0,), 1, "dirty")).problem(99, 0, names)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no room for 3 poisons", "No room for 3 poisons."),
        ("cancelled; finished stages are kept", "Cancelled; finished stages are kept."),
        ("queued", "Queued."),
        ("rows.npy is empty", "rows.npy is empty."),
    ],
)
def test_a_message_begins_with_a_capital_unless_that_is_the_name_of_a_file(message: str, shown: str) -> None:
    assert as_sentence(message) == shown
