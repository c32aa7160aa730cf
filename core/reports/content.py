"""What a report says, as plain values: sections of blocks. How it looks is for `html` and `pdf`.

All text is as its owner wrote it, hostile names among it; renderers make it safe. A block is one of Words, Items, Facts,
Table, Code, Tiles, Gallery, Passages, Scatter, Histogram and Bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What a mark means, and so which colour and shape it has: see `drawing`.
ROLES = ("rest", "poison", "odd", "clean", "elsewhere")


@dataclass(frozen=True)
class Words:
    """A paragraph. title: a few words before it."""

    text: str
    title: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """Rows of text. numeric: columns of numbers. folded: the line behind which it is hidden at first, where it is long."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    numeric: frozenset[int] = frozenset()
    folded: str = ""


@dataclass(frozen=True)
class Code:
    """A line to type."""

    text: str


@dataclass(frozen=True)
class Tile:
    """One number with its unit, and what it is of."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """Numbers beside each other."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Picture:
    """A row as a picture. pixels: (h, w, c) uint8, 1 or 3 channels."""

    pixels: np.ndarray
    row: int | None  # as the table numbers it; None for what is no row of it
    name: str  # of its file; empty where it is not known
    note: str = ""


@dataclass(frozen=True)
class Shown:
    """A picture and, beside it, those it is compared with."""

    picture: Picture
    beside: Sequence[Picture] = ()


@dataclass(frozen=True)
class Gallery:
    """Pictures, most suspicious first. total: rows that there are; beside: what the pictures beside the first ones are."""

    shown: Sequence[Shown]
    total: int
    beside: str = ""


@dataclass(frozen=True)
class Passage:
    """A row of text."""

    text: str
    row: int
    name: str
    note: str = ""
    beside: Sequence[Passage] = ()


@dataclass(frozen=True)
class Passages:
    """Rows of text, most suspicious first. beside: what the rows under the first ones are."""

    shown: Sequence[Passage]
    total: int
    beside: str = ""


@dataclass(frozen=True)
class Group:
    """Points or bars of one meaning. role: one of ROLES."""

    name: str
    role: str


@dataclass(frozen=True)
class View:
    """A plane picture of rows. points: (n, 2), in the unit that axes says."""

    name: str
    points: np.ndarray
    axes: str


@dataclass(frozen=True)
class Scatter:
    """Rows in one or several plane pictures of which one is shown at a time.

    group: (n,) which of the groups each belongs to; drawn in their order, so the last lies on top. ringed: (n,) bool, rows
    with a dark ring round them, which `ring` explains. thumbnails: (p, h, w, c) uint8; thumbnail: (n,) which of them shows
    a row, -1 for none. total: rows before thinning.
    """

    title: str
    views: Sequence[View]
    first: int  # the view that is shown first
    group: np.ndarray
    groups: Sequence[Group]
    rows: np.ndarray  # (n,) as the table numbers them
    names: Sequence[str]  # of their files
    notes: Sequence[str]  # of each row, such as its score
    says: str  # for those who cannot see it
    caption: str = ""
    ringed: np.ndarray | None = None
    ring: str = ""
    thumbnails: np.ndarray | None = None
    thumbnail: np.ndarray | None = None
    total: int = 0


@dataclass(frozen=True)
class Histogram:
    """Values (n,) stacked by group; a rug under the axis repeats the groups in `rug` by shape. log: by powers of ten.

    cut: where a dashed line stands, with the words beside it. own: a value that is marked, with its name.
    """

    title: str
    values: np.ndarray
    group: np.ndarray
    groups: Sequence[Group]
    axis: str
    says: str
    caption: str = ""
    log: bool = False
    cut: tuple[float, str] | None = None
    own: tuple[float, str] | None = None
    rug: frozenset[int] = frozenset()
    counted: str = "rows"


@dataclass(frozen=True)
class Bar:
    """A value with its name. told: the value in words. marked: it is the one in question."""

    name: str
    value: float
    told: str
    role: str = "rest"
    marked: bool = False


@dataclass(frozen=True)
class Bars:
    """Values under each other. line: where a dashed line stands, with the words beside it."""

    title: str
    bars: Sequence[Bar]
    axis: str
    says: str
    caption: str = ""
    line: tuple[float, str] | None = None


Figure = Scatter | Histogram | Bars
Block = Words | Items | Facts | Table | Code | Tiles | Gallery | Passages | Scatter | Histogram | Bars


@dataclass(frozen=True)
class Section:
    """A part of a report, and the parts within it. tags: a few words beside the title. role: of the mark before it."""

    title: str
    blocks: Sequence[Block] = ()
    parts: Sequence[Section] = ()
    tags: Sequence[str] = ()
    role: str = ""


@dataclass(frozen=True)
class Report:
    """All of it. about: the lines under the title; verdict: one sentence; after: what is said with it."""

    title: str
    about: Sequence[tuple[str, str]]
    verdict: str
    after: Sequence[str]
    sections: Sequence[Section]
    foot: str = ""
