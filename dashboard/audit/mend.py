"""What was guessed of the data is put right by hand: a change reads it again."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from core.cases.reading import FEATURES
from core.datasets import DATASETS
from dashboard import forms
from dashboard.audit import draft
from dashboard.audit.reader import Outcome
from dashboard.widgets import as_sentence

# Messages of the core tell what would be typed on the command line; here the widget itself stands beside the message.
TYPED = re.compile(
    r": audit \S.* LABELS|(?:: |; )?(?:say which(?: it is)?: )?(?:add )?--set dataset\.(\w+)=\S*(?: or \S+(?= |$))?"
)
COLUMNS = ("image_column", "label_column")  # parameters of data sets that name a column
OPTIONS = {"--as": "kind", "--column": "column"}


def named(problem: str) -> list[str]:
    """The options of the data that a message names, each of which has a widget here."""
    found = re.findall(r"dataset\.(\w+)", problem)
    found += [name for option, name in OPTIONS.items() if f"{option} " in problem]
    found += ["labels"] if "needs the label of each row" in problem or problem.startswith("labels:") else []
    return list(dict.fromkeys(found))


def in_words(problem: str) -> str:
    """The message as the page says it, without what would be typed."""
    return re.sub(r"dataset\.\w+ is", "it is", TYPED.sub("", problem)).rstrip(" ;:,")


def beside(found: Outcome) -> list[str]:
    """Why it could not be read, with the widgets that settle it; returns their names, so that they are not placed twice."""
    problem, kind, columns = found.problem, found.kind, found.columns
    names = [name for name in named(problem) if name in _known(kind)]
    st.error(as_sentence(in_words(problem)) + (" Say so here:" if names else ""))
    if found.table and not names:
        st.button(
            "Read it as a table of features", icon=":material/swap_horiz:", key="bring-as-table", on_click=_as_table
        )
    if names:
        with st.container(border=True, key="bring-beside"):
            _place(kind, columns, names)
    return names


def _as_table() -> None:
    st.session_state["bring kind"] = FEATURES


def by_hand(kind: str, columns: Sequence[str], without: Sequence[str] = ()) -> None:
    """All that can be put right, folded. without: what stands elsewhere on the page already."""
    names = [name for name in _known(kind) if name not in without]
    with st.expander("Read it differently", icon=":material/tune:"):
        st.caption("What was guessed can be said here; a change reads the data again.")
        _place(kind, columns, names)


def _known(kind: str) -> list[str]:
    if kind == FEATURES:
        return ["kind", "labels", "column", "text", "images"]
    described = {p.name for p in forms.describe(DATASETS[kind])} if kind in DATASETS else set()
    return ["kind", *(name for name in draft.MENDED if name in described)]


def _place(kind: str, columns: Sequence[str], names: Sequence[str]) -> None:
    if "kind" in names:
        _kind()
    if kind == FEATURES:
        for name in names:
            if name in _FEATURES:
                _FEATURES[name](columns)
    elif kind in DATASETS:
        entry = DATASETS[kind]
        skip = tuple(p.name for p in forms.describe(entry) if p.name not in names)
        offered = dict.fromkeys(COLUMNS, columns) if columns else {}
        forms.parameters(entry, draft.form_key(kind), skip=skip, offered=offered)


def _kind() -> None:
    titles = {"": "As it looks", **{key: DATASETS[key].title for key in draft.KINDS if key in DATASETS}}
    titles[FEATURES] = "Table of features"
    st.selectbox(
        "Read it as", list(titles), format_func=titles.__getitem__, key="bring kind", persist_state="session",
        help="Told from what lies there; say it where both images and tables do.",
    )  # fmt: skip


def labels(columns: Sequence[str]) -> None:
    """A file beside the features, or one of their columns."""
    forms.one_of(
        "Labels", "bring labels", columns, "what lies beside them", "A column of the table, or the path of a file: type it.",
        new=True,
    )  # fmt: skip


def _column(columns: Sequence[str]) -> None:
    forms.one_of("Column of the features", "bring column", columns, forms.AS_IT_LOOKS, "Where there are several: the one with the vectors.")  # fmt: skip


def _text(columns: Sequence[str]) -> None:
    forms.one_of("Text to show", "bring text", columns, "none", "A column of words that is shown for each row.")


def _images(_: Sequence[str]) -> None:
    st.text_input(
        "Pictures of the same rows", key="bring images", persist_state="session", placeholder="/home/me/images",
        help="A folder of images: matched by file name where the features have one, else in the same order. To look at only.",
    )  # fmt: skip


_FEATURES = {"labels": labels, "column": _column, "text": _text, "images": _images}
