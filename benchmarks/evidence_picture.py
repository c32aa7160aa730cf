"""A grid at a glance, as an SVG for the documents: does each attack work, and who finds the poison?

A row for each experiment, a column for each question, a box for each number of poisons: mean over the seeds, the darker the
larger, with its 95 % interval as a line from 0 (left) to 100 % (right). Orange: attack success; grey: poison removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from core.studies.evidence.rows import Plan
from core.studies.evidence.summary import Cell
from core.studies.intervals import Interval, interval_text, whole_percent

ATTACKED, FOUND, INK, FAINT = "#D55E00", "#4A5560", "#222", "#666"  # as on the page: poison, and grey
ROW, LEFT, WIDE, GAP, TOP = 24, 172, 146, 14, 84
ATTACK, AFTER = "attack", "after SPECTRE"


@dataclass(frozen=True)
class Column:
    """One question that is put to every cell."""

    key: str  # ATTACK, AFTER, or a defense
    heading: str
    colour: str
    note: str = ""

    def answer(self, cell: Cell) -> tuple[Interval | None, str]:
        """A share and the word that stands where there is none."""
        if self.key == ATTACK:
            return cell.attack, ""
        if self.key != AFTER:
            return cell.found(self.key), ""
        spectre = cell.look("spectre") if cell.works else None
        return (spectre.after, "none" if spectre.none_left else "") if spectre else (None, "")


def picture(plan: Plan, cells: Sequence[Cell], defenses: Sequence[str]) -> str:
    """Of the cells of a plan. A cell that was not run is an empty box, drawn in dashes."""
    columns = columns_of(cells, defenses)
    budgets = sorted({poisons for one in plan.experiments for poisons in one.poisons})
    known = {(cell.experiment, cell.poisons): cell for cell in cells}
    width, height = LEFT + len(columns) * WIDE + 4, TOP + len(plan.names) * ROW + 44
    parts = [*_head(columns, budgets)]
    for i, name in enumerate(plan.names):
        y = TOP + i * ROW
        parts.append(_label(8, y + 15, name))
        for j, column in enumerate(columns):
            for b, budget in enumerate(budgets):
                parts.append(_box(_left(j, b, len(budgets)), y, _wide(len(budgets)), column, known.get((name, budget)), f"{name}, {budget:,} poisons"))  # fmt: skip
    parts += _foot(plan, cells, height)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}" role="img" aria-label="{escape(plan.title)}: attack success and the poison found">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def columns_of(cells: Sequence[Cell], defenses: Sequence[str]) -> list[Column]:
    """Attack success, those of the defenses that looked, and what SPECTRE's removal leaves of the attack."""
    titles: Mapping[str, str] = {key: title for cell in cells for key, title in cell.titles.items()}
    shown = [Column(key, titles[key], FOUND, _wasted(cells, key)) for key in defenses if key in titles]
    return [
        Column(ATTACK, "at first", ATTACKED, "dark frame: it works"),
        Column(AFTER, "after SPECTRE", ATTACKED, "none: no poison is left"),
        *shown,
    ]


def _wasted(cells: Sequence[Cell], defense: str) -> str:
    """The clean rows of the class that a defense removes, in the median over the cells."""
    looks = [look for cell in cells if (look := cell.look(defense)) is not None]
    shares = [look.wasted.centre for look in looks if look.wasted is not None]
    return f"{100 * median(shares):.1f} % of the clean" if shares else ""


def _head(columns: Sequence[Column], budgets: Sequence[int]) -> Iterable[str]:
    first = next((j for j, column in enumerate(columns) if column.colour == FOUND), None)
    yield _label(LEFT, 18, "attack success, %", size=13, bold=True)
    if first is not None:
        yield _label(LEFT + first * WIDE, 18, "poison removed, %, by", size=13, bold=True)
    for j, column in enumerate(columns):
        yield _label(LEFT + j * WIDE, 38, column.heading)
        yield _label(LEFT + j * WIDE, 53, column.note, size=10, colour=FAINT)
        for b, budget in enumerate(budgets):
            middle = _left(j, b, len(budgets)) + _wide(len(budgets)) / 2
            yield _label(middle, 74, f"{budget:,}", middle=True, colour=FAINT)
    yield _label(8, 74, "poisons:", colour=FAINT)


def _foot(plan: Plan, cells: Sequence[Cell], height: int) -> Iterable[str]:
    made = sum(cell.seeds for cell in cells)
    layers = ", ".join(dict.fromkeys(one.default_layer for one in plan.experiments))
    models = ", ".join(dict.fromkeys(one.model for one in plan.experiments))
    yield _label(
        8, height - 24,
        f"{plan.title}: {made} of {plan.trainings} trainings; network {models}, layer {layers}. Means over the seeds; the line in a box is the "
        f"95 % interval, from 0 at its left to 100 at its right.", size=11, colour=FAINT,
    )  # fmt: skip
    words = "Dashed: not run, no verdict, or no model trained anew, as where the attack does not work."
    yield _label(8, height - 9, words, size=11, colour=FAINT)


def _box(x: float, y: float, wide: float, column: Column, cell: Cell | None, place: str) -> str:
    share, word = column.answer(cell) if cell is not None else (None, "")
    if share is None:
        inside = _label(x + wide / 2, y + 14, word, middle=True, colour=FAINT, size=10)
        return f"<g><title>{escape(place)}: {escape(column.heading)} {word or 'nothing to tell'}</title>{_frame(x, y, wide, dashed=not word)}{inside}</g>"
    number = _label(
        x + wide / 2, y + 14, whole_percent(share.centre), middle=True, colour="#fff" if share.centre > 0.6 else INK
    )
    seeds = f"{share.runs} seed{'s' if share.runs != 1 else ''}"
    title = f"{place}: {column.heading} {interval_text(share)}, {seeds}"
    framed = column.key == ATTACK and cell is not None and cell.works
    fill = f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 3}" fill="{column.colour}" fill-opacity="{share.centre:.2f}"/>'
    line = "" if share.kind == "none" else _line(x, y, wide, share)
    return f"<g><title>{escape(title)}</title>{fill}{_frame(x, y, wide, strong=framed)}{number}{line}</g>"


def _frame(x: float, y: float, wide: float, *, dashed: bool = False, strong: bool = False) -> str:
    style = ' stroke-dasharray="2 2"' if dashed else ' stroke-width="1.6"' if strong else ""
    colour = "#000" if strong else "#ddd"
    return f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 3}" fill="none" stroke="{colour}"{style}/>'


def _line(x: float, y: float, wide: float, share: Interval) -> str:
    ends = [x + 2 + (wide - 4) * value for value in (share.low, share.high)]
    ink = "#fff" if share.centre > 0.6 else "#444"
    # an interval that is next to nothing is a dot
    return f'<line x1="{ends[0]:.1f}" x2="{max(ends[1], ends[0] + 1):.1f}" y1="{y + ROW - 6.5}" y2="{y + ROW - 6.5}" stroke="{ink}" stroke-width="1.5"/>'


def _left(column: int, budget: int, budgets: int) -> float:
    return LEFT + column * WIDE + budget * (WIDE - GAP) / budgets


def _wide(budgets: int) -> float:
    return (WIDE - GAP) / budgets - 3


def _label(
    x: float, y: float, words: str, *, size: int = 12, colour: str = INK, middle: bool = False, bold: bool = False
) -> str:
    style = f' font-size="{size}"' if size != 12 else ""
    style += f' fill="{colour}"' if colour != INK else ""
    style += ' text-anchor="middle"' if middle else ""
    style += ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape(words)}</text>'
