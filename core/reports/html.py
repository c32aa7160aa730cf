"""A report as one HTML file that needs nothing else: no script, style, font or picture from elsewhere.

What the page may do is in its head: its own style and script, known by their sums, and pictures within the file.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import count, groupby

from core.foundation.visible import escaped, inline_json, shortened, visible
from core.reports.content import (
    Bars,
    Block,
    Code,
    Facts,
    Figure,
    Gallery,
    Histogram,
    Items,
    Passage,
    Passages,
    Picture,
    Report,
    Scatter,
    Section,
    Table,
    Tiles,
    Words,
)
from core.reports.drawing import SHAPES
from core.reports.figures import lay_out
from core.reports.svg import mark, svg
from core.reports.thumbnails import sheet, webp

FIGURES = (Scatter, Histogram, Bars)


def to_html(report: Report) -> str:
    """The whole file as text."""
    style, script = _own("page.css"), _own("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_sum(style)}'; script-src '{_sum(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    numbers = count(1)
    main = "".join(_section(section, f"s{i}", 2, numbers) for i, section in enumerate(report.sections, 1))
    about = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in report.about)
    after = "".join(f"<p>{escaped(line)}</p>" for line in report.after)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escaped(report.title)}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#content">To the findings</a>\n'
        f'<header><h1>{escaped(report.title)}</h1><dl class="about">{about}</dl>'
        f'<div class="verdict"><p class="lead">{escaped(report.verdict)}</p>{after}</div></header>\n'
        f"{_contents(report.sections)}\n"
        f'<main id="content">\n{main}\n<footer><p>{escaped(report.foot)}</p></footer>\n</main>\n<script>{script}</script>\n</body>\n</html>\n'
    )


@cache
def _own(name: str) -> str:
    text = files("core.reports").joinpath(name).read_text(encoding="utf-8")
    assert "</" not in text, f"{name} would end the element that it stands in"
    return text


def _sum(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _contents(sections: Sequence[Section]) -> str:
    lines = []
    for i, section in enumerate(sections, 1):
        parts = "".join(
            f'<li><a href="#s{i}-{j}">{_marked(part)}{escaped(part.title)}</a></li>'
            for j, part in enumerate(section.parts, 1)
        )
        inner = f"<ol>{parts}</ol>" if parts else ""
        lines.append(f'<li><a href="#s{i}">{escaped(section.title)}</a>{inner}</li>')
    return (
        f'<nav aria-label="Contents"><details open><summary>Contents</summary><ol>{"".join(lines)}</ol></details></nav>'
    )


def _section(section: Section, name: str, level: int, numbers: Iterator[int]) -> str:
    tags = "".join(f"<li>{escaped(tag)}</li>" for tag in section.tags)
    inner = _blocks(section.blocks, numbers)
    inner += "".join(_section(part, f"{name}-{j}", level + 1, numbers) for j, part in enumerate(section.parts, 1))
    tag = "section" if level == 2 else "article"
    listed = f'<ul class="tags">{tags}</ul>' if tags else ""
    return (
        f'<{tag} id="{name}" aria-labelledby="{name}-h">'
        f'<h{level} id="{name}-h">{_marked(section)}{escaped(section.title)}</h{level}>{listed}{inner}</{tag}>\n'
    )


def _marked(section: Section) -> str:
    return mark(section.role, SHAPES[section.role]) if section.role else ""


def _blocks(blocks: Sequence[Block], numbers: Iterator[int]) -> str:
    made = []
    for is_figure, some in groupby(blocks, lambda block: isinstance(block, FIGURES)):
        inner = "".join(_block(block, numbers) for block in some)
        made.append(f'<div class="figures">{inner}</div>' if is_figure else inner)
    return "".join(made)


def _block(block: Block, numbers: Iterator[int]) -> str:
    if isinstance(block, Words):
        title = f"<strong>{escaped(block.title)}</strong> " if block.title else ""
        quiet = ' class="quiet"' if block.quiet else ""
        return f"<p{quiet}>{title}{escaped(block.text)}</p>"
    if isinstance(block, Items):
        return f"<ul>{''.join(f'<li>{escaped(line)}</li>' for line in block.lines)}</ul>"
    if isinstance(block, Facts):
        pairs = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in block.pairs)
        return f'<dl class="facts">{pairs}</dl>'
    if isinstance(block, Code):
        return f'<pre tabindex="0"><code>{escaped(block.text)}</code></pre>'
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Gallery):
        return _gallery(block)
    if isinstance(block, Passages):
        return _passages(block)
    return _figure(block, next(numbers))


def _tiles(block: Tiles) -> str:
    tiles = "".join(
        f'<li><span class="value">{escaped(tile.value)}</span> <span class="label">{escaped(tile.label)}</span>'
        f' <span class="note">{escaped(tile.note)}</span></li>'
        for tile in block.tiles
    )
    return f'<ul class="tiles">{tiles}</ul>'


def _table(block: Table) -> str:
    def cell(tag: str, i: int, text: str) -> str:
        numeric = ' class="number"' if i in block.numeric else ""
        scope = ' scope="col"' if tag == "th" else ""
        return f"<{tag}{scope}{numeric}>{escaped(text)}</{tag}>"

    head = "".join(cell("th", i, name) for i, name in enumerate(block.columns))
    rows = "".join(
        f"<tr>{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>" for row in block.rows
    )  # fmt: skip
    caption = f"<caption>{escaped(block.caption)}</caption>" if block.caption else ""
    label = escaped(block.caption or block.folded or ", ".join(block.columns))
    table = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    if not block.folded:
        return table
    return f"<details><summary>{escaped(block.folded)}</summary>{table}</details>"


def _gallery(block: Gallery) -> str:
    items = []
    for shown in block.shown:
        beside = "".join(_picture(one) for one in shown.beside)
        if beside:
            items.append(
                f'<li class="pair">{_picture(shown.picture, main=True)}<div class="beside"><span>{escaped(block.beside)}</span>'
                f"{beside}</div></li>"
            )
        else:
            items.append(f"<li>{_picture(shown.picture, main=True)}</li>")
    return f'<ul class="gallery">{"".join(items)}</ul>{_rest(len(block.shown), block.total)}'


def _rest(shown: int, total: int) -> str:
    if shown >= total:
        return ""
    return f'<p class="quiet">{shown:,} of {total:,} rows are shown; all are in findings.csv.</p>'


def _picture(picture: Picture, main: bool = False) -> str:
    height, width = picture.pixels.shape[:2]
    data = base64.b64encode(webp(picture.pixels)).decode()
    name = escaped(picture.name)
    broken = name.replace("/", "/<wbr>").replace("_", "_<wbr>")  # where a long name may be cut into lines
    row = f' data-row="{picture.row}"' if main and picture.row is not None else ""
    words = [name, "" if picture.row is None else f"row {picture.row:,}", escaped(picture.note)]
    said = ", ".join(word for word in words if word) or "a picture"
    below = f'<bdi class="name">{broken}</bdi>' if name else ""
    below += f"<span>{words[1]}</span>" if words[1] else ""
    below += f"<span>{escaped(picture.note)}</span>" if picture.note else ""
    return (
        f'<figure class="thumb"{row}><img src="data:image/webp;base64,{data}" width="{width}" height="{height}" alt="{said}">'
        f"<figcaption>{below}</figcaption></figure>"
    )


def _passages(block: Passages) -> str:
    items = "".join(f"<li>{_passage(one, block.beside)}</li>" for one in block.shown)
    return f'<ol class="passages">{items}</ol>{_rest(len(block.shown), block.total)}'


def _passage(passage: Passage, beside: str) -> str:
    where = f"row {passage.row:,}" + (f" · <bdi>{escaped(passage.name)}</bdi>" if passage.name else "")
    where += f" · {escaped(passage.note)}" if passage.note else ""
    others = "".join(f"<li>{_passage(one, '')}</li>" for one in passage.beside)
    more = f'<div class="beside"><span>{escaped(beside)}</span><ul>{others}</ul></div>' if others else ""
    return f'<blockquote dir="auto">{escaped(passage.text)}</blockquote><p class="quiet">{where}</p>{more}'


def _figure(figure: Figure, number: int) -> str:
    drawing = lay_out(figure)
    caption = f'<p class="quiet">{escaped(figure.caption)}</p>' if figure.caption else ""
    picture = svg(drawing, figure.says)
    if not isinstance(figure, Scatter):
        return f"<figure><figcaption>{escaped(figure.title)}</figcaption>{picture}{caption}</figure>"
    name = f"f{number}"
    switch = "".join(
        f'<input type="radio" name="{name}" id="{name}-{i}" class="v{i}"{" checked" if i == figure.first else ""}>'
        f'<label for="{name}-{i}">{escaped(view.name)}</label>'
        for i, view in enumerate(figure.views)
    )
    hint = escaped("Point at a row, tap it, or use the arrow keys.")
    return (
        f'<figure class="scatter" id="{name}"><figcaption>{escaped(figure.title)}</figcaption>'
        f'<div class="views">{switch}<div class="plot" tabindex="0" role="group" '
        f'aria-label="{escaped(figure.title)}: arrow keys go from row to row">{picture}</div></div>'
        f'<div class="readout"><canvas hidden></canvas><p aria-live="polite">{hint}</p></div>{caption}'
        f"{_points(figure, name)}</figure>"
    )


def _points(figure: Scatter, name: str) -> str:
    """What the script shows of each point, in the order in which they are drawn."""
    order = [int(i) for g in range(len(figure.groups)) for i in (figure.group == g).nonzero()[0]]
    told = {
        "rows": [int(figure.rows[i]) for i in order],
        "names": [_short(figure.names[i]) for i in order],
        "notes": [_short(figure.notes[i]) for i in order],
    }
    picture = ""
    if figure.thumbnails is not None and figure.thumbnail is not None and len(figure.thumbnails):
        data, across = sheet(figure.thumbnails)
        height, width = figure.thumbnails.shape[1:3]
        told |= {"which": [int(figure.thumbnail[i]) for i in order], "sheet": [across, width, height]}
        src = base64.b64encode(data).decode()
        picture = f'<img class="sheet" hidden alt="" src="data:image/webp;base64,{src}">'
    return f'{picture}<script type="application/json">{inline_json(told)}</script>'


def _short(text: str) -> str:
    return shortened(visible(text), 200)
