"""The report of a finished staged run: what was staged, who found it, what removal did. The truth is known, and shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.foundation.errors import InputError
from core.foundation.pictures import viewable
from core.reports import smaller, thin
from core.reports.content import (
    Block,
    Code,
    Facts,
    Gallery,
    Group,
    Histogram,
    Items,
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
from core.runs import RunFolder, Share, duration, percent, share_text

POINTS, THUMBNAILS, SIDE = 6_000, 6_000, 32
REMOVED, EXAMPLES = 40, 6  # pictures
GROUPS = ("clean", "poison")


def report_of(run: RunFolder) -> Report:
    """What the report says. Raises InputError where the run is not finished or a file is damaged."""
    result = run.result
    if run.status.state != "finished" or "defenses" not in result:
        raise InputError(f"{run.id} is {run.status.state}; a report is of what is finished")
    scores = run.load_scores()
    key = run.config.get("defense", "spectre")
    if f"score_{key}" not in scores or key not in result["defenses"]:
        raise InputError(f"{run.id}: scores.parquet has no scores of {key}")
    return Report(
        f"Run {run.id}",
        [
            ("Finished", _date(run.status.heartbeat)),
            ("Staged", _staged(result)),
            ("Seed and device", f"{result['seed']}, {result['device']}"),
        ],
        _verdict(result, key),
        [
            "The poison was put there by this program, so the truth is known; no defense saw it before its last verdict."
            if result["poisons"]
            else "Nothing was poisoned, so whatever a defense removes is clean."
        ],
        [
            Section("Key figures", [_tiles(result, key)]),
            Section("What was staged", _staging(run, result)),
            Section("Who found it", [_defenses(result)]),
            Section("What the features show", _figures(run, result, scores, key)),
            Section("What was removed", [_gallery(run, result, scores, key)]),
            Section("Before and after", _before_after(result)),
            Section("What this does not tell", _limits(result)),
            Section("To make it again", _making(run, result)),
        ],
        f"Written {_date(time.time())}.",
    )


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else "not known"


def _staged(result: Mapping[str, Any]) -> str:
    return (
        f"{result['poisons']:,} poisons: {result['trigger']}; {result['victims']} shall be taken for {result['goal']}"
    )


def _verdict(result: Mapping[str, Any], key: str) -> str:
    """In one sentence."""
    found = result["defenses"][key]
    hits, false = found["true_positive_rate"], found["false_positive_rate"]
    first = f"{found['title']} removes {found['removed']:,} of {found['rows']:,} rows"
    if hits["total"]:
        first = f"{found['title']} removes {hits['count']:,} of {hits['total']:,} poisons and {false['count']:,} of {false['total']:,} clean rows"
    after = result.get("after")
    if not after:
        return f"{first}; no model was trained without them."
    before = result["before"]["attack_combined"]
    return f"{first}; attack success goes from {_share(before)} to {_share(after['attack_combined'])}."


def _share(share: Mapping[str, Any]) -> str:
    return share_text(dict(share))


def _tiles(result: Mapping[str, Any], key: str) -> Tiles:
    found, before, after = result["defenses"][key], result["before"], result.get("after")
    part = Share(result["poisons_in_target"], result["target_rows"]).as_json()
    tiles = [Tile(f"{result['poisons']:,}", "poisons", f"{_share(part)} of the class {result['goal']}"),
             _change("attack success", "attack_combined", before, after),
             _change("clean accuracy", "clean", before, after)]  # fmt: skip
    for name, words in (("true_positive_rate", "poison removed"), ("false_positive_rate", "clean removed")):
        share = found[name]
        value = percent(share) if share["value"] is not None else "-"
        tiles.append(Tile(value, words, f"{share['count']:,} of {share['total']:,}, by {found['title']}"))
    return Tiles(tiles)


def _change(words: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> Tile:
    first = before[name]
    value = percent(first) if first["value"] is not None else "-"
    if after and after[name]["value"] is not None:
        return Tile(f"{value} → {percent(after[name])}", words, f"{first['total']:,} test images, before and after")
    return Tile(value, words, f"{first['total']:,} test images")


def _staging(run: RunFolder, result: Mapping[str, Any]) -> list[Block]:
    config = run.config
    facts = [
        ("Data", f"{config['dataset']}: {result['train_images']:,} training and {result['test_images']:,} test images, {len(result['classes']):,} classes"),
        ("Trigger", f"{config['attack']}: {result['trigger']}"),
        ("Poisons", f"{result['poisons']:,}, {result['poisons_in_target']:,} of them in the class that is looked at; {result['covers']:,} covers"),
        ("Attacked", f"{result['victims']}, to be taken for {result['goal']}"),
        ("On the way", str(result.get("transport") or "nothing happens to the images")),
        ("Model", f"{config['model']}, layer {result['features']['layer']}: {result['features']['columns']:,} numbers a row"),
        ("Told to the defenses", f"to expect {config['budget'] if config.get('budget') is not None else result['poisons_in_target']:,} poisons"),
    ]  # fmt: skip
    return [Facts(facts), *_examples(run, result)]


def _examples(run: RunFolder, result: Mapping[str, Any]) -> list[Block]:
    """Test images of the attacked classes with the trigger, each beside itself without it."""
    if not run.file("examples.npz").is_file():
        return []
    held = run.load_arrays("examples.npz")
    if not len(held["triggered"]):
        return []
    clean, marked, names = viewable(held["clean"]), viewable(held["triggered"]), result["classes"]
    moment = "after" if "triggered_after" in held else "before"

    def said(kind: str, i: int) -> str:
        first = names[int(held[f"{kind}_before"][i])]
        last = f"; after: {names[int(held[f'{kind}_after'][i])]}" if moment == "after" else ""
        return f"before: {first}{last}"

    shown = [
        Shown(Picture(marked[i], None, "", said("triggered", i)), [Picture(clean[i], None, "", said("clean", i))])
        for i in range(min(EXAMPLES, len(marked)))
    ]
    return [
        Words(
            f"Test images of {result['victims']} with the trigger, and what the model takes them for before removal and after."
        ),
        Gallery(shown, len(shown), "the same without the trigger"),
    ]


def _defenses(result: Mapping[str, Any]) -> Table:
    lines = [
        [one["title"], f"{one['removed']:,}", *(_share(one[name]) for name in ("true_positive_rate", "false_positive_rate", "precision")),
         f"{one['seconds']:.1f} s"]
        for one in result["defenses"].values()
    ]  # fmt: skip
    columns = ["defense", "removed", "poison removed (TPR)", "clean removed (FPR)", "poison among removed", "time"]
    return Table(columns, lines, f"All defenses on the same {result['target_rows']:,} rows", frozenset({1, 2, 3, 4, 5}))


def _figures(run: RunFolder, result: Mapping[str, Any], scores: pd.DataFrame, key: str) -> list[Block]:
    made: list[Block] = []
    poison = scores["is_poison"].to_numpy(bool)
    groups = [Group(f"{int((~poison).sum()):,} clean", "clean"), Group(f"{int(poison.sum()):,} poison", "poison")]
    if run.file("views.npz").is_file():
        made.append(_scatter(run, result, scores, key, groups))
    score, removed = scores[f"score_{key}"].to_numpy(np.float64), scores[f"removed_{key}"].to_numpy(bool)
    if len(np.unique(score)) > 2:
        made.append(_histogram(result, key, score, removed, poison, groups))
    return made


def _scatter(run: RunFolder, result: Mapping[str, Any], scores: pd.DataFrame, key: str, groups: list[Group]) -> Scatter:
    held = run.load_arrays("views.npz")
    poison, removed = scores["is_poison"].to_numpy(bool), scores[f"removed_{key}"].to_numpy(bool)
    score, n = scores[f"score_{key}"].to_numpy(np.float64), len(scores)
    drawn = thin(score, poison | removed, POINTS)
    names = scores["source"].astype(str).tolist() if "source" in scores else [""] * n
    pictures, which = _thumbnails(run, drawn, (poison | removed)[drawn], score[drawn])
    caption = (
        f"{n:,} rows of the class {result['goal']}, at layer {result['features']['layer']}, k = {result['views']['k']}."
    )
    if len(drawn) < n:
        caption = f"Showing {len(drawn):,} of {n:,} rows, spread over the scores; all poison and all that was removed is kept. {caption}"
    return Scatter(
        "Where the rows lie",
        (
            View("raw", held["raw"][drawn], "two largest components, in deviations of the first"),
            View("naive", held["naive"][drawn], "two largest components, each in its own deviations"),
            View("robust", held["robust"][drawn], "whitened by the trusted rows, in their deviations"),
        ),
        2, poison[drawn].astype(np.int64), groups, scores["id"].to_numpy()[drawn], [names[i] for i in drawn.tolist()],
        [f"{GROUPS[int(poison[i])]}, score {score[i]:.3g}" + ", removed" * bool(removed[i]) for i in drawn.tolist()],
        f"Scatter of {n:,} rows, {int(poison.sum()):,} of them poison",
        caption, removed[drawn], f"{int(removed.sum()):,} removed by {result['defenses'][key]['title']}", pictures, which, n,
    )  # fmt: skip


def _thumbnails(
    run: RunFolder, drawn: np.ndarray, marked: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if not run.file("images.npy").is_file():
        return None, None
    images = run.load_array("images.npy", mapped=True)
    chosen = np.lexsort((-score, ~marked))[:THUMBNAILS]
    which = np.full(len(drawn), -1)
    which[chosen] = np.arange(len(chosen))
    return smaller(viewable(np.asarray(images[drawn[chosen]])), SIDE), which


def _histogram(
    result: Mapping[str, Any],
    key: str,
    score: np.ndarray,
    removed: np.ndarray,
    poison: np.ndarray,
    groups: list[Group],
) -> Histogram:
    title = result["defenses"][key]["title"]
    log = bool((score > 0).all() and score.max() > 20 * np.median(score))
    cut = (float(score[removed].min()), "cut") if removed.any() and not removed.all() else None
    return Histogram(
        f"The score of {title}", score, poison.astype(np.int64), groups,
        "score, each mark ten times the one before" if log else "score",
        f"Histogram of the scores of {len(score):,} rows, {int(poison.sum()):,} of them poison",
        f"Right of the cut rows are removed: {int((removed & poison).sum()):,} of {int(poison.sum()):,} poisons, "
        f"{int((removed & ~poison).sum()):,} of {int((~poison).sum()):,} clean.",
        log=log, cut=cut, rug=frozenset({1}),
    )  # fmt: skip


def _gallery(run: RunFolder, result: Mapping[str, Any], scores: pd.DataFrame, key: str) -> Block:
    removed = np.flatnonzero(scores[f"removed_{key}"].to_numpy(bool))
    if not len(removed) or not run.file("images.npy").is_file():
        return Words("Nothing was removed." if not len(removed) else "The images were not kept.")
    first = removed[np.argsort(-scores[f"score_{key}"].to_numpy()[removed], kind="stable")][:REMOVED]
    images, poison = run.load_array("images.npy", mapped=True), scores["is_poison"].to_numpy(bool)
    names = scores["source"].astype(str).tolist() if "source" in scores else [""] * len(scores)
    shown = [
        Shown(Picture(viewable(np.asarray(images[i])), int(scores["id"].iat[i]), names[i], GROUPS[int(poison[i])]))
        for i in first.tolist()
    ]
    return Gallery(shown, len(removed), "")


def _before_after(result: Mapping[str, Any]) -> list[Block]:
    before, after = result["before"], result.get("after")
    rows = (
        ("clean", "clean test images classified rightly"),
        ("attack_single", f"{result['victims']} with one trigger, taken for {result['goal']}"),
        ("attack_combined", "the same with all triggers at once"),
        ("confused", "the same without a trigger"),
        ("attack_elsewhere", "images of other classes with the trigger"),
    )
    lines = [
        [words, _share(before[name]), *([_share(after[name])] if after else [])]
        for name, words in rows
        if name in before
    ]
    columns = ["on test images", "before removal", *(["after, trained anew"] if after else [])]
    made: list[Block] = [Table(columns, lines, "", frozenset({1, 2}))]
    if not after:
        made.append(Words("No model was trained without the removed rows, so what removal does is not known."))
    return made


def _limits(result: Mapping[str, Any]) -> list[Block]:
    return [
        Items(
            [
                f"This is one run with seed {result['seed']}: another seed gives other figures, and a series says how much.",
                "The defenses were told how many poisons to expect and which class to look at; on somebody else's data neither is known.",
                "One attack at one strength: others hide better, and adaptive ones are built to defeat this method.",
            ]
        )
    ]


def _threads(told: Mapping[str, str]) -> list[tuple[str, str]]:
    """How many threads each training had: the last digits of its weights hang on it."""
    words = ", ".join(f"{name} {count}" for name, count in told.items() if count)
    return [("Threads of the training", words)] if words else []


def _making(run: RunFolder, result: Mapping[str, Any]) -> list[Block]:
    seconds = result.get("seconds", {})
    own = {name: value for name, value in run.config.get("seeds", {}).items() if value is not None}
    facts = [
        ("Seeds", ", ".join([f"all from {result['seed']}", *(f"{name} {value}" for name, value in own.items())])),
        ("Device", result["device"]),
        *_threads(result.get("threads", {})),
        ("Time", f"{duration(sum(seconds.values()))}: " + ", ".join(f"{name} {value:,.1f} s" for name, value in seconds.items())),
        ("Versions", ", ".join(f"{name} {value}" for name, value in result.get("versions", {}).items())),
    ]  # fmt: skip
    notes: list[Block] = [Words("Notes:"), Items(result["notes"])] if result.get("notes") else []
    return [Code(result["command"]), Facts(facts), *notes]
