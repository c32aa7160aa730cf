"""Figures of a grid: the map of all cells, and attack success and what is found against the number of poisons."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from core.studies.evidence.summary import Cell, Look
from core.studies.intervals import Interval, whole_percent
from dashboard.charts.methods import Style, side_by_side, styles
from dashboard.charts.series import curve, log_axis
from dashboard.plain import in_figure
from dashboard.theme import DARK, Palette, layout

ROW = 26  # pixels of a line of the map
GONE = "none left"  # in place of what became of the attack
ATTACK, AFTER, FIRST = "attack success", "after SPECTRE", "spectre"
Place = tuple[str, int]  # experiment and poisons


def cell_map(
    places: Sequence[Place],
    cells: Mapping[Place, Cell],
    looks: Mapping[tuple[str, int, str], Look],
    columns: Mapping[str, str],
    colours: Palette,
    chosen: Place | None = None,
    failed: Collection[Place] = (),
) -> go.Figure:
    """Attack success (orange) and the share of the poison that each defense removes (grey), a line for each place; empty where not run.

    Where models were trained anew without what SPECTRE removed, their attack success stands beside. columns: defenses and their
    headings. A click picks the `name_of` a place. Numbers of poisons of one experiment that were not run share a line.
    """
    figure = go.Figure()
    lines = _lines(places, cells, failed)
    names = [f"{in_figure(line[0][0])} · {', '.join(f'{poisons:,}' for _, poisons in line)}" for line in lines]
    places = [line[0] for line in lines]
    after = any(look.after or look.clear for look in looks.values() if look.defense == FIRST)
    attack = [ATTACK, *([AFTER] if after else [])]
    heads = [_broken(heading) for heading in (*attack, *columns.values())]
    values = [
        [
            _shown(cells[p].attack if p in cells else None),
            *([_afterwards(looks.get((*p, FIRST)), cells.get(p))] if after else []),
            *(_shown(_look(looks, p, key, "found")) for key in columns),
        ]
        for p in places
    ]
    dark = colours.ground == DARK.ground
    deepest = ("#A84A00" if dark else colours.poison, "#55606B" if dark else colours.unknown)
    for is_mine, shade in zip(
        (lambda column: column < len(attack), lambda column: column >= len(attack)), deepest, strict=True
    ):
        # All columns in both: Plotly puts the text of a heat map that lacks some of an axis's categories into the wrong ones.
        mine = [[one if is_mine(column) else NOTHING for column, one in enumerate(line)] for line in values]
        figure.add_trace(
            go.Heatmap(
                z=[[one.share for one in line] for line in mine], x=heads, y=names, zmin=0, zmax=1,
                text=[[one.text for one in line] for line in mine],
                texttemplate="%{text}", textfont={"color": colours.ink, "size": 12}, xgap=2, ygap=2, showscale=False,
                colorscale=[[0, colours.faint], [1, shade]], hoverongaps=False,
                meta={"values": [[one.value for one in line] for line in mine]},
                customdata=[[name_of(place)] * len(heads) for place in places],
                hovertext=[[one.told for one in line] for line in mine],
                hovertemplate="%{y} poisons<br>%{x}: %{hovertext}<extra></extra>",
            )
        )  # fmt: skip
    figure.layout = layout(
            colours, height=84 + ROW * len(places), dragmode=False, margin={"l": 12, "t": 60, "b": 8},
            shapes=_outline(places, chosen, colours), annotations=_empty(places, cells, failed, len(heads), colours),
            xaxis={"type": "category", "side": "top", "showgrid": False, "autotickangles": [0, -90], "automargin": True, "title": {"text": ""}},
            yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "automargin": True, "title": {"text": ""}},
        )  # fmt: skip
    return figure


def name_of(place: Place) -> str:
    """A place in the address and in what a click picks: "Patch|15"."""
    return f"{place[0]}|{place[1]}"


def _lines(places: Sequence[Place], cells: Collection[Place], failed: Collection[Place]) -> list[list[Place]]:
    """Places by the line of the map that they are drawn in: one for each, but one for all of an experiment that were not run."""
    lines: list[list[Place]] = []
    waiting: dict[str, list[Place]] = {}
    for place in places:
        if place in cells or place in failed:
            lines.append([place])
        elif place[0] in waiting:
            waiting[place[0]].append(place)
        else:
            lines.append(waiting.setdefault(place[0], [place]))
    return lines


def _outline(places: Sequence[Place], chosen: Place | None, colours: Palette) -> list[dict[str, Any]]:
    if chosen not in places:
        return []
    row = list(places).index(chosen)  # type: ignore[arg-type] # it is one of them
    line = {"color": colours.selected, "width": 2}
    return [{"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": row - 0.5, "y1": row + 0.5, "line": line}]


def _empty(
    places: Sequence[Place], cells: Mapping[Place, Cell], failed: Collection[Place], width: int, colours: Palette
) -> list[dict[str, Any]]:
    """A word in each line that is empty: a heat map shows no text there."""
    look = {"showarrow": False, "font": {"size": 12, "color": colours.ink}, "opacity": 0.7, "x": (width - 1) / 2}
    words = {place: "failed" if place in failed else "not run" for place in places if place not in cells}
    return [{"y": row, "text": words[place], **look} for row, place in enumerate(places) if place in words]


def _broken(heading: str) -> str:
    """A heading in lines of a word or two."""
    return "<br>".join(in_figure(line) for line in textwrap.wrap(heading, 13))


class _Shown(NamedTuple):
    """What a place of the map holds."""

    share: float | None  # its colour; None for none
    text: str
    told: str  # where it is pointed at

    @property
    def value(self) -> float | str | None:
        """What a CSV holds: the share, or the word that stands in its place."""
        return GONE if self.text == GONE else self.share


NOTHING = _Shown(None, "", "not run, or no verdict")


def _shown(one: Interval | None) -> _Shown:
    if one is None:
        return NOTHING
    told = f"{100 * one.centre:.1f} %, {one.runs} seed{'' if one.runs == 1 else 's'}"
    if one.kind != "none":
        told = f"{told}, 95 %: {100 * one.low:.0f} to {100 * one.high:.0f}"
    return _Shown(one.centre, whole_percent(one.centre), told)


def _afterwards(look: Look | None, cell: Cell | None) -> _Shown:
    """Attack success of the models trained anew; where none was, whether that is because no poison of a living attack was left."""
    if look is not None and look.none_left and cell is not None and cell.works:
        return _Shown(0.0, GONE, "no poison is left with any seed, so no model was trained anew")
    return _shown(None if look is None else look.after)


def _look(looks: Mapping[tuple[str, int, str], Look], place: Place, key: str, name: str) -> Interval | None:
    look = looks.get((*place, key))
    return None if look is None else getattr(look, name)


def success(
    rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], every: Sequence[str], colours: Palette
) -> go.Figure:
    """Attack success against the number of poisons, as trained and after each defense whose removal was trained without.

    rows: one for each look, as the table has them, of one experiment at one layer. titles: of the defenses.
    """
    figure = go.Figure()
    once = list({(row["poisons"], row["seed"]): row for row in rows}.values())
    curve(
        figure, once, _share("attack_combined", "attack_of"), "as trained", Style(colours.poison, "diamond", "solid", 3)
    )
    looks = styles(list(every), colours)
    retrained = [
        key for key in titles if any(row["defense"] == key and row["after_combined"] is not None for row in rows)
    ]
    for key, beside in zip(retrained, side_by_side(len(retrained), 1.06), strict=True):
        mine = [row for row in rows if row["defense"] == key]
        curve(
            figure, mine, _share("after_combined", "attack_of"), f"after {in_figure(titles[key])}", looks[key], beside
        )
    figure.layout = _against_poisons(rows, colours, "attack success (% of test images)")
    return figure


def found(
    rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], every: Sequence[str], colours: Palette
) -> go.Figure:
    """Share of the poison that each defense removes, against the number of poisons."""
    figure = go.Figure()
    looks = styles(list(every), colours)
    for (key, title), beside in zip(titles.items(), side_by_side(len(titles), 1.05), strict=True):
        mine = [row for row in rows if row["defense"] == key]
        curve(figure, mine, _share("found", "poisons_in_target"), in_figure(title), looks[key], beside)
    figure.layout = _against_poisons(rows, colours, "poison removed (%)")
    return figure


def _share(count: str, total: str) -> Callable[[Mapping[str, Any]], dict[str, int] | None]:
    return lambda row: None if row[count] is None or not row[total] else {"count": row[count], "total": row[total]}


def _against_poisons(rows: Sequence[Mapping[str, Any]], colours: Palette, what: str) -> dict[str, Any]:
    return layout(
        colours, height=400, xaxis=log_axis(rows), yaxis={"title": {"text": what}, "range": [-3, 105]}, margin={"t": 92}
    )
