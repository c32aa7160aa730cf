"""A report with everything in it, and names that try to break out."""

from __future__ import annotations

import numpy as np

from core.reports.content import (
    Bar,
    Bars,
    Block,
    Code,
    Facts,
    Gallery,
    Group,
    Histogram,
    Items,
    Passage,
    Passages,
    Picture,
    Report,
    Scatter,
    Section,
    Shown,
    Table,
    Tile,
    Tiles,
    View,
    Words,
)

HOSTILE = (
    "<b>bold</b>",
    "</script><b>out</b>",
    "</style><i>out</i>",
    "<!-- & -->",
    """quo"tes' and `ticks`""",
    "invoice\u202egpj.exe",
    "line\u2028break",
    "null\x00byte",
    "half\udc80pair",
    "交通标志",
    "إشارة",
    "שלט",
    "🚦 light",
)


def picture(row: int, name: str) -> Picture:
    pixels = np.random.default_rng(row).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Picture(pixels, row, name, name)


def scatter(n: int = 60, marked: int = 7, name: str = "file.png") -> Scatter:
    rng = np.random.default_rng(0)
    views = [
        View(title, rng.standard_normal((n, 2)).astype(np.float32), "deviations")
        for title in ("raw", "naive", "robust")
    ]
    group = np.zeros(n, np.int64)
    group[:marked] = 1
    return Scatter(
        "Where the rows lie", views, 2, group, (Group("the rest", "rest"), Group(f"{name} marked", "poison")),
        np.arange(100, 100 + n), [name] * n, ["score 1"] * n, f"{n} rows of {name}", f"caption {name}",
        group == 1, "removed", rng.integers(0, 256, (5, 6, 6, 3), dtype=np.uint8), np.arange(n) % 6 - 1, n,
    )  # fmt: skip


def blocks(name: str) -> list[Block]:
    """One of each kind."""
    group = np.arange(20) % 2
    groups = (Group("rest", "rest"), Group(name, "odd"))
    return [
        Words(name, name),
        Items([name]),
        Facts([(name, name)]),
        Table([name, "n"], [[name, "1"]], name, frozenset({1}), name),
        Code(name),
        Tiles([Tile("1", name, name)]),
        Gallery([Shown(picture(3, name), [picture(4, name)]), Shown(picture(5, name))], 9, name),
        Passages([Passage(name, 1, name, name, [Passage(name, 2, name)])], 4, name),
        scatter(name=name),
        Histogram(name, np.geomspace(0.1, 99, 20), group, groups, name, name, name, log=True, cut=(7.0, name), rug=frozenset({1})),
        Histogram(name, np.arange(20.0), group, groups, name, name, own=(3.0, name), counted="classes"),
        Bars(name, [Bar(name, 3.0, "3", "poison", True), Bar("other", 1.0, "1")], name, name, name, (2.0, name)),
    ]  # fmt: skip


def report(names: tuple[str, ...] = HOSTILE) -> Report:
    parts = [Section(f"{i}. {name}", blocks(name), tags=[name], role="poison") for i, name in enumerate(names, 1)]
    return Report(
        f"Audit of {names[0]}", [(names[0], names[-1])], f"verdict {names[1]}", list(names),
        [Section("Findings", [Words("worst first")], parts), Section("Decisions", [Words("none")])], names[2],
    )  # fmt: skip
