"""Runs that differ in the number of poisons and the seed alone: how many poisons does an attack take? No torch here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.foundation.errors import InputError
from core.foundation.files import write_json
from core.runs import RunFolder

FILE = "series.json"
FREE = ("poisons", "seed")  # what the runs of a series may differ in
MOMENT = ("clean", "confused", "attack_single", "attack_combined")
MAX_BYTES = 8 * 2**20
MAX_ROWS = 5000


@dataclass(frozen=True)
class Series:
    """Rows, one for each run (see `row_of`), by poisons and seed, and what they have in common."""

    name: str
    config: dict[str, Any]  # without what is FREE
    rows: tuple[dict[str, Any], ...]
    command: str = ""  # that makes it, where it was made by one

    @property
    def poisons(self) -> list[int]:
        return sorted({row["poisons"] for row in self.rows})

    @property
    def seeds(self) -> list[int]:
        return sorted({row["seed"] for row in self.rows})

    @property
    def defenses(self) -> dict[str, str]:
        """Key and title of each defense that all runs had."""
        shared = [key for key in self.rows[0]["defenses"] if all(key in row["defenses"] for row in self.rows)]
        return {key: self.rows[0]["defenses"][key]["title"] for key in shared}

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, "config": self.config, "command": self.command, "rows": list(self.rows)}


def row_of(run_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A finished run in one line: counts and totals, so that shares and intervals can be made again."""

    def counted(share: Mapping[str, Any]) -> dict[str, int]:
        return {"count": share["count"], "total": share["total"]}

    def moment(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return {name: counted(found[name]) for name in MOMENT} if found else None

    defenses = {
        key: {
            "title": found["title"],
            "removed": found["removed"],
            "true_positive_rate": counted(found["true_positive_rate"]),
            "false_positive_rate": counted(found["false_positive_rate"]),
        }
        for key, found in result["defenses"].items()
    }
    after = result.get("after")
    return {
        "run": run_id,
        "poisons": result["poisons"],
        "seed": result["seed"],
        "target_rows": result["target_rows"],
        "victims": result["victims"],
        "goal": result["goal"],
        "layer": result["features"]["layer"],
        "before": moment(result["before"]),
        "after": moment(after),
        "retrained_without": after["defense"] if after else None,
        "defenses": defenses,
        "seconds": round(sum(result["seconds"].values()), 1),
        "device": result["device"],
    }


def common_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A run's config without what the runs of a series may differ in."""
    return {name: value for name, value in config.items() if name not in FREE}


def read(folder: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Config and row of a finished run. Raises InputError where its files are damaged or of another form."""
    try:
        config, row = folder.config, row_of(folder.id, folder.result)
        _check(row)
        return dict(config), row
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise InputError(f"{folder.id}: its result is damaged ({problem})") from None


def groups(runs: Iterable[tuple[Mapping[str, Any], dict[str, Any]]]) -> list[Series]:
    """The series among runs, each as `read` gives it: equal but for poisons and seed, at least two of them.

    Runs that are equal in those too are one and the same experiment: only the first counts. The largest series comes
    first; rows stand by poisons, then seed.
    """
    found: dict[str, dict[tuple[int, int], tuple[Mapping[str, Any], dict[str, Any]]]] = {}
    for config, row in runs:
        key = json.dumps(common_config(_as_written_today(config)), sort_keys=True)
        found.setdefault(key, {}).setdefault((row["poisons"], row["seed"]), (config, row))
    made = []
    for members in found.values():
        if len(members) > 1:
            ordered = [members[place] for place in sorted(members)]
            made.append(Series(ordered[0][1]["run"], common_config(ordered[0][0]), tuple(row for _, row in ordered)))
    return sorted(made, key=lambda series: -len(series.rows))


def _as_written_today(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the defaults of options that there were none of when the run was made; as it is where it cannot be read."""
    from core.experiment import RunConfig  # brings torch, which a series from a file does without

    try:
        return RunConfig.from_json(dict(config)).resolved().as_json()
    except InputError:
        return config


def save(series: Series, folder: Path) -> Path:
    """Write series.json into the folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, series.as_json())
    return folder / FILE


def load(folder: Path) -> Series:
    """Read what `save` wrote. Raises InputError for anything else."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES // 2**20} MB; it is no series of runs")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror})") from None
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path} is damaged ({problem})") from None
    try:
        rows = values["rows"]
        if values["version"] != 1 or not 0 < len(rows) <= MAX_ROWS:
            raise ValueError("unknown version, or no rows")
        for row in rows:
            _check(row)
        return Series(folder.name, dict(values["config"]), tuple(rows), str(values.get("command", "")))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise InputError(f"{path} is not a series of runs ({problem}); make it anew with sweep") from None


def _check(row: Mapping[str, Any]) -> None:
    """Raise KeyError, TypeError or ValueError for a row of another form."""
    for moment in (row["before"], row["after"]):
        if moment is not None:
            _check_shares(moment[name] for name in MOMENT)
    for found in row["defenses"].values():
        _check_shares([found["true_positive_rate"], found["false_positive_rate"]])
        if type(found["removed"]) is not int or not isinstance(found["title"], str):
            raise TypeError("a defense without count or title")
    if not all(type(row[name]) is int and row[name] >= 0 for name in ("poisons", "seed", "target_rows")):
        raise TypeError("poisons, seed or rows are not whole numbers")
    if not all(isinstance(row[name], str) for name in ("run", "victims", "goal", "layer", "device")):
        raise TypeError("a text is missing")
    if not isinstance(row["seconds"], (int, float)) or row["before"] is None:
        raise TypeError("figures are missing")


def _check_shares(shares: Iterable[Mapping[str, Any]]) -> None:
    for share in shares:
        count, total = share["count"], share["total"]
        if type(count) is not int or type(total) is not int or not 0 <= count <= total:
            raise ValueError(f"{count} of {total}")


def differences(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """In which entries configs differ, options by their own names: ["poisons", "training.epochs"]; in their order.

    An entry that one of them does not have, an option of another data set for instance, is not named.
    """
    flat = [_flat(config) for config in configs]
    shared = [name for name in flat[0] if all(name in one for one in flat)] if flat else []
    return [name for name in shared if len({json.dumps(one[name], sort_keys=True) for one in flat}) > 1]


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in config.items():
        if name == "source" and isinstance(value, int):
            value = [value]  # runs of the first versions knew one source only
        if isinstance(value, Mapping):
            group = name.removesuffix("_options")
            out.update({f"{group}.{key}": inner for key, inner in value.items()})
        else:
            out[name] = value
    return out
