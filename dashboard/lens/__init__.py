"""Pictures that answer in the browser: clouds of points that are brushed together, a cut that is dragged, images to click.

Plotly drops its selection when a figure changes, and sends every point again; so these are canvases of our own, behind
a few functions. `clouds`, `histogram` and `tiles` show what does not change; `sync` says what does (removed, revealed,
selected, looked at), a few hundred bytes. All that carry the same channel agree with each other before the server hears
of anything; what it hears are example ids, never row positions.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

HERE = Path(__file__).parent
DRAWN = {"scatter", "bar", "heatmap"}  # traces of Plotly
KINDS = {"float32": "f4", "float64": "f8", "int32": "i4", "uint8": "u1"}


def component(name: str, *parts: str, isolated: bool = True) -> Any:
    """The Streamlit component of the script of that name in this folder, with other scripts before it.

    A part that is a component itself lends its class; what it exports stays behind. isolated: it has the styles of this
    folder and no others; if not, it stands in the page as everything else does.
    """
    lent = (re.sub(r"^export default .*$", "", _script(part), flags=re.MULTILINE) for part in ("common", *parts))
    script = "\n".join((*lent, _script(name)))
    css = (HERE / "lens.css").read_text("utf-8") if isolated else None
    return st.components.v2.component(f"spectre_lens_{name}", js=script, css=css, isolate_styles=isolated)


def _script(name: str) -> str:
    return (HERE / f"{name}.js").read_text(encoding="utf-8")


PANEL = ("frame", "raster", "panel_plane", "panel_drawing", "panel_svg", "panel_pointer", "panel")
HISTOGRAM = ("frame", "histogram_scores", "histogram_drawing", "histogram_pointer")
TOY = ("frame", "spread", "toy_world", "toy_sight", "toy_drawing", "toy_words", "toy_pointer")

_cloud, _film, _toy = component("cloud", *PANEL), component("film", *PANEL), component("toy", *TOY)
_histogram = component("histogram", *HISTOGRAM)
_cut, _alphas = (component(name, *HISTOGRAM, "histogram") for name in ("cut", "alphas"))
_sync, _tiles, _marks, _keys = (component(name) for name in ("sync", "tiles", "marks", "keys"))
_code, _ground, _keep, _secret = (component(name) for name in ("code", "ground", "keep", "secret"))
_figure = component("figure", isolated=False)  # Plotly puts its styles into the page


def pack(meta: Mapping[str, Any], **arrays: np.ndarray) -> bytes:
    """A JSON head and typed arrays in one message: digest (16), length of the head (4), head, arrays on multiples of 8."""
    entries: list[dict[str, Any]] = []
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array).reshape(-1)
        entries.append({"name": name, "dtype": KINDS[str(flat.dtype)], "size": len(flat), "offset": offset})
        padding = -flat.nbytes % 8
        parts += [flat.tobytes(), bytes(padding)]
        offset += flat.nbytes + padding
    head = {"meta": meta, "arrays": entries}
    start = 20 + len(json.dumps(head)) + 256  # room for the digits of the offsets
    start += -start % 8
    for entry in entries:
        entry["offset"] += start
    text = json.dumps(head).encode("ascii").ljust(start - 20)
    body = len(text).to_bytes(4, "little") + text + b"".join(parts)
    return hashlib.blake2b(body, digest_size=16).digest() + body


def bits(mask: np.ndarray | None) -> str | None:
    """A mask as base64 of bits, the lowest first."""
    return None if mask is None else base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode()


def pack_clouds(
    channel: str,
    ids: np.ndarray,
    views: Sequence[tuple[str, str, str, np.ndarray]],
    *,
    height: int = 340,
    file: str = "points",
    notes: Sequence[str] | None = None,
    masks: Sequence[np.ndarray] | None = None,
    **meta: Any,
) -> bytes:
    """What `clouds` shows; to be cached by run. ids: (n,); views: (name, title, unit, points (n, 2)) each.

    notes: what is said of each view when they lie under one slider (`path=True`); masks: (n,) bool, what is ringed as
    removed in each of these. Other options: brush (False shows
    only), words (what the picture calls its points, see WORDS in common.js), slider (its label), start (the view shown first), title, spare (pixels of the window that the picture leaves
    free; it is then no higher than `height`), bare (True leaves out the buttons that save).
    """
    about = [
        {"name": name, "title": title, "unit": unit, "note": notes[i] if notes else ""}
        for i, (name, title, unit, _) in enumerate(views)
    ]
    head = {"channel": channel, "views": about, "height": height, "file": file, **meta}
    points = {name: plane.astype(np.float32) for name, _, _, plane in views}
    rings = (
        {f"{view[0]} removed": mask.astype(np.uint8) for view, mask in zip(views, masks, strict=True)} if masks else {}
    )
    return pack(head, ids=ids.astype(np.int32), **points, **rings)


def clouds(
    data: bytes,
    key: str,
    *,
    on_select: Callable[[], None] | None = None,
    on_look: Callable[[], None] | None = None,
) -> Any:
    """Place the clouds. After a brush the result's `selected` holds example ids, after a click `focus` one."""
    return _cloud(data=data, key=key, on_selected_change=on_select or _ignore, on_focus_change=on_look or _ignore)


def pack_histogram(
    channel: str,
    ids: np.ndarray,
    scores: np.ndarray,
    *,
    name: str,
    height: int = 320,
    span: tuple[float, float] | None = None,
    fixed: bool = False,
    file: str = "scores",
    **meta: Any,
) -> bytes:
    """What `histogram` shows. ids, scores: (n,). Positive scores lie on a log axis. span: fixed range of the axis.

    fixed: the cut cannot be dragged. Other options: words (see WORDS in common.js); axis (its title); selects (for `cut`: the channel of the clouds).
    """
    log = bool((scores > 0).all())
    head = {"channel": channel, "name": name, "log": log, "height": height, "span": span, "fixed": fixed, "file": file}
    return pack({**head, **meta}, ids=ids.astype(np.int32), scores=scores.astype(np.float64))


def histogram(data: bytes, key: str, *, on_cut: Callable[[], None] | None = None) -> Any:
    """Place the histogram. After the cut was moved the result's `cut` is {"count": rows at or above it, "at": number}.

    The highest `at` that was heard belongs into `sync`: what is said of earlier cuts is not shown any more.
    """
    return _histogram(data=data, key=key, on_cut_change=on_cut or _ignore)


def cut(data: bytes, key: str, *, on_cut: Callable[[], None] | None = None) -> Any:
    """Place a histogram whose cut removes nothing: while it is dragged, what lies above is selected in the clouds."""
    return _cut(data=data, key=key, on_cut_change=on_cut or _ignore)


def pack_alphas(
    channel: str,
    ids: np.ndarray,
    scores: np.ndarray,
    truth: np.ndarray,
    stops: Sequence[tuple[str, str]],
    *,
    start: int,
    remove: int,
    name: str,
    span: tuple[float, float],
    height: int = 420,
    **meta: Any,
) -> bytes:
    """What `alphas` shows; to be cached by run.

    scores: (stops, n), positive, on a log axis; stops: (short name, title) each; start: the stop shown first; remove: how
    many rows go at every stop; span: decimal logarithms of the ends of the axis. Other options: slider, spare, bare, file.
    """
    head = {
        "channel": channel, "name": name, "log": True, "height": height, "span": span, "start": start, "remove": remove,
        "stops": [{"name": short, "title": title} for short, title in stops], **meta,
    }  # fmt: skip
    arrays: dict[str, np.ndarray] = {"scores": scores.astype(np.float32), "truth": truth.astype(np.uint8)}
    return pack(head, ids=ids.astype(np.int32), **arrays)


def alphas(data: bytes, key: str) -> None:
    """Place a histogram under whose slider the scores change."""
    _alphas(data=data, key=key)


def toy(key: str, *, clean: int, poison: int, seed: int, height: int = 480, spare: int = 0, bare: bool = False) -> None:
    """Place the plane in which a cluster of poison is dragged. clean, poison: numbers of made-up points.

    bare: only the two distances stand under it.
    """
    points = {"clean": clean, "poison": poison, "seed": seed}
    _toy(data={**points, "height": height, "spare": spare, "bare": bare}, key=key)


def marks(rows: Sequence[Mapping[str, Any]], key: str, *, side: int, label: str, high: int, value: int) -> None:
    """Place images in rows, title and images (data URLs) each; the last row is amplified by a slider from 1 to high."""
    factor = {"label": label, "low": 1, "high": high, "value": value}
    _marks(data={"rows": list(rows), "side": side, "factor": factor}, key=key)


def keys(key: str, here: int, count: int, on_step: Callable[[], None]) -> Any:
    """Listen for arrow keys that nothing else wants, and page keys; the result's `step`, 0..count-1, says where they lead.

    Another step is shown from its top.
    """
    return _keys(data={"here": here, "count": count}, key=key, height=1, on_step_change=on_step)


def sync(
    channel: str,
    n: int,
    *,
    removed: np.ndarray | None = None,
    truth: np.ndarray | None = None,
    selected: np.ndarray | None = None,
    focus: int | None = None,
    heard: int = 0,
    moved: int = 0,
) -> None:
    """Tell every picture of a channel what holds now. Masks: (n,) bool; truth None hides it; focus: a row.

    heard: the last `at` of the `put` of `tiles` that `removed` takes into account; moved: likewise of the `cut`.
    """
    state = {"removed": bits(removed), "truth": bits(truth), "selected": bits(selected)}
    _sync(
        data={"channel": channel, "n": n, "focus": focus, "heard": heard, "moved": moved, **state},
        key=f"sync-{channel}",
        height=1,
    )


def film(
    ids: np.ndarray,
    plane: np.ndarray,
    dropped: np.ndarray,
    words: Sequence[str],
    key: str,
    *,
    unit: str,
    truth: np.ndarray | None = None,
    height: int = 380,
) -> None:
    """Rounds of a filter, to play or to step through.

    ids: (n,); plane: (n, 2) where the rows are drawn; dropped: (n,) the round, from 1, in which a row was dropped, 0 for
    never; words: what is said before the first round and of each. truth: (n,) bool, None where it is hidden.
    """
    head = {"rounds": [{"words": text} for text in words], "unit": unit, "height": height}
    shown = np.zeros(0, np.uint8) if truth is None else truth.astype(np.uint8)
    places, rounds = plane.astype(np.float32), dropped.astype(np.int32)
    _film(data=pack(head, ids=ids.astype(np.int32), plane=places, dropped=rounds, truth=shown), key=key)


def tiles(
    channel: str,
    entries: Sequence[Mapping[str, Any]],
    key: str,
    *,
    label: str,
    side: int = 88,
    on_look: Callable[[], None] | None = None,
    on_put: Callable[[], None] | None = None,
) -> Any:
    """Images to click, in the given order. entries: id, row, src (a data URL), caption (lines), kind
    ("poison", ...), and title, what the mouse is told, where there is more to say.

    on_put: a click does not look at an image but puts it among the removed or takes it out. The result's `put` is then
    {"in": ids, "out": ids, "at": number}: all clicks of which `sync` has not said that the server heard them, so that none
    is lost in a hurry.
    """
    data = {"channel": channel, "tiles": list(entries), "side": side, "label": label, "members": on_put is not None}
    return _tiles(data=data, key=key, on_focus_change=on_look or _ignore, on_put_change=on_put or _ignore)


def keep(name: str, text: str, on_kept: Callable[[], None]) -> None:
    """Keep a text in the visitor's tab, through reloads; empty: nothing is to be kept.

    Where the tab has one of that name and the page, just opened, has none, `on_kept` is called and `kept_of` gives it: a
    browser may send anything.
    """
    _keep(data={"name": name, "text": text}, key=f"keep-{name}", height=1, on_kept_change=on_kept)


def kept_of(name: str) -> str:
    """In `on_kept`: what the tab had kept, at most 1 MB of it."""
    return str((st.session_state.get(f"keep-{name}") or {}).get("kept") or "")[:1_000_000]


def secret(key: str, name: str, path: str, is_known: bool, on_secret: Callable[[], None]) -> None:
    """A random secret that the browser makes once and keeps in the cookie `name`, for addresses below `path`.

    While it is not known, the browser tells it: `on_secret` is called, and `secret_of` gives it, whatever a browser may send.
    """
    given = {"name": name, "path": path, "known": is_known}
    _secret(data=given, key=key, height=1, on_secret_change=on_secret)


def secret_of(key: str) -> str:
    """In `on_secret`: what the browser sent."""
    return str((st.session_state.get(key) or {}).get("secret") or "")[:100]


def follow_theme() -> None:
    """Once on every page: it is drawn again when the visitor's theme turns light or dark."""
    _ground(data="", key="ground", height=1, on_turned_change=_ignore)


def code(text: str, key: str, label: str) -> None:
    """Place lines to copy. label: what they are, for screen readers."""
    _code(data={"text": text, "label": label}, key=key)


def figure(
    drawing: go.Figure, key: str, *, alt: str, config: Mapping[str, Any], on_pick: Callable[[], None] | None = None
) -> Any:
    """Place a Plotly figure. config: Plotly's; alt: what a screen reader says.

    on_pick: points can be chosen by a click, a box or a lasso; the result's `picked` then holds their `customdata`.
    Raises ValueError for a kind of trace that the parts of Plotly in dashboard/static do not draw.
    """
    if strange := {trace.type for trace in drawing.data} - DRAWN:
        raise ValueError(f"dashboard/static has no part of Plotly that draws {', '.join(sorted(strange))}")
    spec = drawing.to_json(validate=False)
    data = {"spec": spec, "alt": alt, "config": dict(config), "picks": on_pick is not None}
    return _figure(data=data, key=key, on_picked_change=on_pick or _ignore)


def _ignore() -> None:
    pass
