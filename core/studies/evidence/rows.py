"""What became of the trainings of a grid, as rows of one table: a row for each look of a defense at a layer. No torch here.

grid.parquet       the rows, see COLUMNS; a training that failed has one row, without a look
plan.json          what the grid is to hold, so that what was not run can be told, and counted
pictures.parquet   the rows of the target class of each training in the plane, before and after robust whitening, see PICTURE
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.foundation.errors import InputError
from core.foundation.files import read_json, replacing

if TYPE_CHECKING:
    import pandas as pd

TABLE, PLAN, PICTURES = "grid.parquet", "plan.json", "pictures.parquet"
MAX_BYTES, MAX_PLAN = 64 * 2**20, 4 * 2**20
MAX_ROWS = 2_000_000
# Name and kind of each column. Counts are whole; what there is none of is null.
TRAINING = {
    "experiment": str, "dataset": str, "model": str, "attack": str, "poisons": int, "seed": int, "state": str, "message": str,
    "victims": str, "goal": str, "train_images": int, "target_rows": int, "poisons_in_target": int, "covers": int, "epochs": int,
    "default_layer": str,
    "clean": int, "clean_of": int, "attack_single": int, "attack_combined": int, "confused": int, "attack_of": int,
    "elsewhere": int, "elsewhere_of": int,
    "seconds": float, "poison_seconds": float, "train_seconds": float, "threads": str, "device": str, "torch": str, "command": str,
}  # fmt: skip
LOOK = {
    "layer": str, "labelled": bool, "columns": int, "extract_seconds": float, "defense": str, "title": str, "k": int,
    "fixed_k": bool, "fit_seconds": float, "removed": int, "found": int, "removed_elsewhere": int, "problem": str,
}  # fmt: skip
AFTER = {
    "after_clean": int, "after_single": int, "after_combined": int, "after_confused": int, "retrain_seconds": float,
}  # fmt: skip
COLUMNS: dict[str, type] = {**TRAINING, **LOOK, **AFTER}
# Axes in deviations: raw of the first principal component, robust of the trusted rows along the two directions that stand out most.
PICTURE = {
    "experiment": "string", "poisons": "int32", "seed": "int32", "id": "int32", "raw_x": "float32", "raw_y": "float32", "robust_x": "float32",
    "robust_y": "float32", "removed": "bool", "poison": "bool",
}  # fmt: skip
_DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One experiment of a plan, as plan.json has it: what there is to be in the table."""

    name: str
    dataset: str
    model: str
    attack: str
    poisons: tuple[int, ...]
    seeds: tuple[int, ...]
    layers: tuple[str, ...]
    labelled_layers: tuple[str, ...]
    default_layer: str
    retrain: tuple[str, ...]
    retrain_always: bool = False


@dataclass(frozen=True)
class Plan:
    """What a grid is to hold."""

    title: str
    about: str
    experiments: tuple[Asked, ...]

    @property
    def names(self) -> list[str]:
        """Of the experiments, in their order."""
        return [one.name for one in self.experiments]

    @property
    def trainings(self) -> int:
        return sum(len(one.poisons) * len(one.seeds) for one in self.experiments)

    def as_json(self) -> dict[str, Any]:
        experiments = [{f.name: getattr(one, f.name) for f in fields(Asked)} for one in self.experiments]
        return {"version": 1, "title": self.title, "about": self.about, "experiments": experiments}


def of_training(
    experiment: str,
    config: Mapping[str, Any],
    command: str,
    result: Mapping[str, Any],
    looks: Iterable[Mapping[str, Any]],
    retrained: Mapping[str, Mapping[str, Any]],
) -> list[Row]:
    """The rows of a finished training, from what lies in its folder: its result, and what core.studies.evidence.looking leaves there,
    `looks` (looks.json) and `retrained` (retrained.json, by defense)."""
    about = {**_asked(experiment, config, command), "state": "finished", **_figures(config, result)}
    took = list(result["seconds"].values())
    took += [look.get("fit_seconds") or 0.0 for look in looks] + [found["seconds"] for found in retrained.values()]
    took += {(look["layer"], look["labelled"]): look["extract_seconds"] for look in looks}.values()
    about["seconds"] = round(sum(took), 2)
    rows = []
    for look in looks:
        row = {**about, **{("removed_elsewhere" if k == "elsewhere" else k): v for k, v in look.items()}}
        if look["layer"] == config["layer"] and look.get("fixed_k") is False and not look["labelled"]:
            row |= _after(retrained.get(look["defense"]))
        rows.append(row)
    return rows


def command_of(row: Mapping[str, Any]) -> str:
    """The `run` that makes a row again whose defense is one of a run's own, at its layer and with as many threads; it retrains where that
    was done. Rivals, defenses that compare all classes, and all layers together are looked at by `sweep` alone.

    Only the removal of the defense that it names is trained without, so that is the row's own where it was.
    """
    words = shlex.split(str(row["command"]))
    if row["layer"] is not None and "--layer" in words:
        words[words.index("--layer") + 1] = str(row["layer"])
    if row["after_combined"] is not None:
        words = [word for word in words if word != "--no-retrain"]
        words += ["--defense", str(row["defense"])] * (row["defense"] != "spectre")
    threads = str(row["threads"])
    words += ["--threads", threads] * threads.isdigit()
    return " ".join(shlex.quote(word) for word in words)


def of_failure(experiment: str, config: Mapping[str, Any], command: str, message: str) -> list[Row]:
    """The row of a training that ended with an error."""
    return [{**_asked(experiment, config, command), "state": "failed", "message": message}]


def _asked(experiment: str, config: Mapping[str, Any], command: str) -> Row:
    names = ("dataset", "model", "attack", "poisons", "seed")
    return {
        "experiment": experiment,
        "default_layer": config["layer"],
        "command": command,
        **{n: config[n] for n in names},
    }


def _figures(config: Mapping[str, Any], result: Mapping[str, Any]) -> Row:
    before, seconds = result["before"], result["seconds"]
    names = ("victims", "goal", "train_images", "target_rows", "poisons_in_target", "covers", "device")
    return {
        **{name: result[name] for name in names},
        "epochs": config["training"]["epochs"],
        "clean": before["clean"]["count"], "clean_of": before["clean"]["total"],
        "attack_single": before["attack_single"]["count"], "attack_combined": before["attack_combined"]["count"],
        "confused": before["confused"]["count"], "attack_of": before["attack_combined"]["total"],
        "elsewhere": before["attack_elsewhere"]["count"], "elsewhere_of": before["attack_elsewhere"]["total"],
        "poison_seconds": seconds.get("poison"), "train_seconds": seconds["train"],
        "threads": str(result.get("threads", {}).get("train", "")), "torch": result["versions"]["torch"],
    }  # fmt: skip


def _after(found: Mapping[str, Any] | None) -> Row:
    if found is None:
        return {}
    return {
        "after_clean": found["clean"]["count"], "after_single": found["attack_single"]["count"],
        "after_combined": found["attack_combined"]["count"], "after_confused": found["confused"]["count"],
        "retrain_seconds": found["seconds"],
    }  # fmt: skip


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a table of COLUMNS."""
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return table.astype({name: _DTYPES[kind] for name, kind in COLUMNS.items()})


def write(table: pd.DataFrame, folder: Path) -> None:
    """grid.parquet, written aside and renamed."""
    with replacing(folder / TABLE) as path:
        table.to_parquet(path, index=False, compression="zstd")


def read(folder: Path) -> pd.DataFrame:
    """grid.parquet of a folder; no rows where there is none yet. Raises InputError for anything that `write` does not write."""
    import pandas as pd

    path = folder / TABLE
    if not path.exists():
        return frame([])
    table = _checked(path, lambda: pd.read_parquet(path))
    if missing := [name for name in COLUMNS if name not in table]:
        raise InputError(f"{path} has no column '{missing[0]}'; it is no grid")
    table = _checked(path, lambda: table[list(COLUMNS)].astype({name: _DTYPES[kind] for name, kind in COLUMNS.items()}))
    _check(table, path)
    return table


STATES = ("finished", "failed")
NEEDED = ("experiment", "dataset", "model", "attack", "poisons", "seed", "state", "command", "default_layer")
OF_FINISHED = (
    "victims", "goal", "clean", "clean_of", "attack_single", "attack_combined", "confused", "attack_of", "target_rows", "poisons_in_target",
    "seconds", "train_seconds", "layer", "labelled", "defense", "title", "fixed_k",
)  # fmt: skip
GROUPS = (  # what stands together or not at all
    ("removed", "found"),
    ("after_clean", "after_single", "after_combined", "after_confused", "retrain_seconds"),
)
AT_MOST = {
    "attack_of": ("attack_single", "attack_combined", "confused", "after_single", "after_combined", "after_confused"),
    "clean_of": ("clean", "after_clean"), "elsewhere_of": ("elsewhere",), "target_rows": ("removed", "poisons_in_target"),
    "poisons_in_target": ("found",), "removed": ("found",),
}  # fmt: skip


def _check(table: pd.DataFrame, path: Path) -> None:
    """Raise InputError for a table that somebody has changed by hand: what is missing, or cannot be a count of its total."""
    finished = table[table["state"] == "finished"]
    for part, names in ((table, NEEDED), (finished, OF_FINISHED)):
        if missing := [name for name in names if part[name].isna().any()]:
            raise InputError(f"{path} has a row without {missing[0]}; it is no grid")
    if not table["state"].isin(STATES).all():
        raise InputError(f"{path} has a row whose state is none of: {', '.join(STATES)}; it is no grid")
    for group in GROUPS:
        there = finished[list(group)].notna()
        if (there.any(axis=1) & ~there.all(axis=1)).any():
            raise InputError(f"{path} has a row with some but not all of {', '.join(group)}; it is no grid")
    for total, counts in AT_MOST.items():
        for count in counts:
            if ((table[count] < 0) | (table[count] > table[total])).fillna(False).any():
                raise InputError(f"{path}: {count} lies outside 0..{total} in some row; it is no grid")
    wasted, clean = finished["removed"] - finished["found"], finished["target_rows"] - finished["poisons_in_target"]
    if (wasted > clean).fillna(False).any():
        raise InputError(f"{path}: more clean rows are removed than there are in some row; it is no grid")
    for command in table["command"].unique():
        try:
            shlex.split(str(command))
        except ValueError:
            raise InputError(f"{path} has a command that cannot be read; it is no grid") from None


def trainings(table: pd.DataFrame) -> pd.DataFrame:
    """The first row of each training."""
    return table.drop_duplicates(["experiment", "poisons", "seed"])


def of_plan(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The rows of trainings that the plan asks for: what was made by an earlier one does not count."""
    wanted = {(one.name, poisons, seed) for one in plan.experiments for poisons in one.poisons for seed in one.seeds}
    return table[_places(table).isin(wanted)]


def without(table: pd.DataFrame, key: tuple[str, int, int]) -> pd.DataFrame:
    """The rows of all other trainings."""
    return table[~_places(table).isin([key])]


def _places(table: pd.DataFrame) -> pd.Series:
    """The training of each row: experiment, poisons, seed."""
    import pandas as pd

    places = zip(table["experiment"], table["poisons"], table["seed"], strict=True)
    return pd.Series(list(places), index=table.index, dtype=object)


def read_plan(folder: Path) -> Plan:
    """plan.json of a folder. Raises InputError where it is missing or of another form."""
    path = folder / PLAN
    try:
        values = read_json(path, MAX_PLAN)
        if values["version"] != 1:
            raise ValueError("unknown version")
        experiments = tuple(map(_asked_of, values["experiments"]))
        return Plan(_typed(values["title"], str), _typed(values["about"], str), experiments)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{path} is no plan of a grid ({problem})") from None


def add_picture(folder: Path, key: tuple[str, int, int], picture: Path) -> None:
    """The picture of a training, a parquet file of PICTURE but for the key, among those beside the table. Raises InputError."""
    import pandas as pd

    experiment, poisons, seed = key
    about = {"experiment": experiment, "poisons": poisons, "seed": seed}
    new = _checked(picture, lambda: pd.read_parquet(picture).assign(**about)[list(PICTURE)].astype(PICTURE))
    path = folder / PICTURES
    known = (
        _checked(path, lambda: pd.read_parquet(path)[list(PICTURE)].astype(PICTURE)) if path.exists() else new.iloc[:0]
    )
    others = known[(known["experiment"] != experiment) | (known["poisons"] != poisons) | (known["seed"] != seed)]
    table = pd.concat([others, new], ignore_index=True) if len(others) else new
    with replacing(path) as aside:
        table.to_parquet(aside, index=False, compression="zstd")


def read_picture(folder: Path, key: tuple[str, int, int]) -> pd.DataFrame:
    """The rows of a training's target class in the plane, see PICTURE; none where it has no picture. Raises InputError."""
    import pandas as pd

    path = folder / PICTURES
    if not path.exists():
        return pd.DataFrame(columns=list(PICTURE)).astype(PICTURE)
    wanted = [(name, "=", value) for name, value in zip(("experiment", "poisons", "seed"), key, strict=True)]
    found = _checked(path, lambda: pd.read_parquet(path, columns=list(PICTURE), filters=wanted).astype(PICTURE))
    if found[["raw_x", "raw_y", "robust_x", "robust_y"]].isna().any(axis=None):
        raise InputError(f"{path} has a point that lies nowhere")
    return found


def _checked(path: Path, load: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """What `load` reads of a parquet file of no more than the sizes here. Raises InputError."""
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is no file, or larger than {MAX_BYTES // 2**20} MB; it is no grid")
        if (count := pq.read_metadata(path).num_rows) > MAX_ROWS:
            raise InputError(f"{path} has {count:,} rows; a grid has {MAX_ROWS:,} at most")
        return load()
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, ArrowException) as problem:
        raise InputError(f"{path} cannot be read as a grid ({str(problem).splitlines()[0]})") from None


def _asked_of(values: Any) -> Asked:
    def several(name: str, kind: type = str) -> tuple[Any, ...]:
        return tuple(_typed(one, kind) for one in _typed(values[name], list))

    def text(name: str) -> str:
        return str(_typed(values[name], str))

    return Asked(
        text("name"), text("dataset"), text("model"), text("attack"), several("poisons", int), several("seeds", int),
        several("layers"), several("labelled_layers"), text("default_layer"), several("retrain"),
        values.get("retrain_always", False) is True,
    )  # fmt: skip


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not what belongs there")
    return value
