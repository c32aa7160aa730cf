"""What finished runs like a config took. No widgets here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from core.experiment import RunConfig
from core.foundation.errors import InputError
from core.runs import RunFolder
from dashboard import data

ALIKE = ("dataset", "model", "retrain")


def like(config: RunConfig) -> tuple[RunFolder, float, bool] | None:
    """The newest finished run of the same data set, model and epochs, the visitor's own first: the run, the seconds that
    it took, and whether it comes with the program. None where there is none. config: resolved.
    """
    wanted, bundled = _traits(config.as_json()), data.bundled()
    for run in data.finished().values():
        traits, seconds = _facts(run.path, data.changed(run, "result.json"))
        if seconds and traits == wanted:
            return run, seconds, bundled.get(run.id) is not None and bundled[run.id].path == run.path
    return None


@lru_cache(4096)  # the page asks at every change of a widget; an answer holds until the file changes
def _facts(path: Path, stamp: int) -> tuple[tuple[Any, ...], float]:
    run = RunFolder(path)
    try:
        return _traits(run.config), float(sum(run.result["seconds"].values()))
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        return (), 0.0


def _traits(config: dict[str, Any]) -> tuple[Any, ...]:
    """What decides how long a run takes, as far as configs of every version hold it."""
    groups = (config.get(name) or {} for name in ("dataset_options", "sampling"))
    images = tuple(sorted((name, str(value)) for group in groups for name, value in group.items()))
    return (*(config[name] for name in ALIKE), config["training"]["epochs"], images)
