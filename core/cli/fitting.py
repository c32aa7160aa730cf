"""Tables that fit the terminal: fewer columns in a narrow one, and whole words. What they show is never read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

BETWEEN = 3  # characters between two columns: a line, and a blank on both sides
PROSE = 16  # the least width of a column whose cells are broken between words


@dataclass(frozen=True)
class Column:
    """A heading and what stands under it."""

    heading: str
    cells: Sequence[str]
    justify: Literal["left", "right"] = "right"
    prose: bool = False  # cells may be broken between words
    spare: bool = False  # may be left out where there is no room; of several, the last one goes first

    @property
    def widest(self) -> int:
        return max(map(cell_len, (*self.heading.split(), *self.cells)), default=0)

    @property
    def least(self) -> int:
        """Below this width a word would be broken."""
        if not self.prose:
            return self.widest
        words = [word for text in (self.heading, *self.cells) for word in text.split()]
        return min(self.widest, max(PROSE, *map(cell_len, words)) if words else 0)


@dataclass(frozen=True)
class FittingTable:
    """Columns of one length, with a title above and lines below."""

    columns: Sequence[Column]
    title: str = ""
    caption: str = field(default="", kw_only=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self._shown(options.max_width)
        widths = _widths(shown, options.max_width)
        table = Table(
            title=Text(self.title) if self.title else None, title_justify="left",
            caption=Text(self._below(shown)) if self._below(shown) else None, caption_justify="left",
            show_edge=False, pad_edge=False,
        )  # fmt: skip
        for column, width in zip(shown, widths, strict=True):
            table.add_column(Text(column.heading), justify=column.justify, width=width, overflow="fold")
        for cells in zip(*(column.cells for column in shown), strict=True):
            table.add_row(*map(Text, cells))
        yield table

    def _shown(self, width: int) -> list[Column]:
        shown = list(self.columns)
        while _room(column.least for column in shown) > width:
            spare = next((column for column in reversed(shown) if column.spare), None)
            if spare is None:
                break
            shown.remove(spare)
        return shown

    def _below(self, shown: Sequence[Column]) -> str:
        hidden = [column.heading for column in self.columns if column not in shown]
        missing = f"not shown, as the terminal is narrow: {', '.join(hidden)}" if hidden else ""
        return "\n".join(filter(None, (self.caption, missing)))


def _room(widths: Iterable[int]) -> int:
    """Characters that columns of these widths take side by side."""
    return sum(width + BETWEEN for width in widths) - BETWEEN


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column: what the prose leaves over is its own, and a first column that is too long is folded."""
    widths = [column.least for column in columns]
    spare = width - _room(widths)
    if spare < 0:
        widths[0] = max(1, widths[0] + spare)
    for place in sorted(range(len(columns)), key=lambda i: columns[i].widest - columns[i].least):
        wish = columns[place].widest - widths[place]
        if columns[place].prose and spare > 0:
            more = min(wish, spare)
            widths[place], spare = widths[place] + more, spare - more
    return widths
