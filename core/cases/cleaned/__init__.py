"""A cleaned copy of the data that was audited: without the rows to remove, others with the label that was decided on.

Everything else is as it was, the test part too, and the original is never touched. What was written is read again and must have
the rows of each class that the decisions leave; else nothing is left of it.
"""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.cases.cleaned.changes import Changes, changes_of, check_left
from core.cases.cleaned.copying import NoCopy, OnStep, check_place
from core.cases.cleaned.features import write_features
from core.cases.cleaned.tables import write_arrays, write_tables
from core.cases.cleaned.trees import write_tree
from core.cases.config import CaseConfig, config_from
from core.cases.decisions import Decisions
from core.cases.folder import CaseFolder
from core.cases.reading import FEATURES, digest, read
from core.datasets import DATASETS, Arrays, ImageFolder, ImageParquet
from core.foundation.errors import InputError
from core.foundation.labels import UNLABELLED

__all__ = ["NoCopy", "check_place", "write_cleaned"]

WRITING = 0.7  # of the time; the rest is the check


def write_cleaned(
    case: CaseFolder, decisions: Decisions, out: Path, link: bool = False, on_step: OnStep = lambda _: None
) -> dict[str, Any]:
    """Write the cleaned copy into the new or empty folder `out`; returns path, removed, relabelled, per_class, sha256, notes.

    link: files of image folders as hard links, where both lie in one file system. Raises InputError for data that has changed
    since the audit, NoCopy for forms that are not written, and a copy that is not what was decided; nothing is left then.
    """
    data, config = case.read_object("data.json"), config_from(case.config)
    source = Path(data["path"])
    if not source.exists():
        raise InputError(f"{source} is not there any more; put it back, or write the lists alone with --lists-only")
    check_place(out, source)
    changes = changes_of(case, decisions)
    if digest(source) != data["sha256"]:
        raise InputError(f"{source} has changed since the audit; audit it again")
    aside = out.with_name(f".{secrets.token_hex(4)}.{out.name}")
    try:
        aside.mkdir(parents=True)
        told = _written(config, data, changes, aside, link, lambda share: on_step(WRITING * share))
        on_step(WRITING)
        if out.is_dir():
            out.rmdir()
        aside.rename(out)
    except OSError as problem:
        raise InputError(f"the cleaned copy cannot be written to {out} ({problem.strerror or problem})") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    on_step(1.0)
    return {
        "path": str(out / told.pop("name")), "removed": int(changes.removed.sum()), "relabelled": int((changes.to != UNLABELLED).sum()),
        "link": link, **told,
    }  # fmt: skip


def _written(
    config: CaseConfig, data: dict[str, Any], changes: Changes, out: Path, link: bool, on_step: OnStep
) -> dict[str, Any]:
    """Write and check. name: of the file in the folder, "" for the folder itself."""
    source = Path(data["path"])
    if data["what"] == FEATURES:
        name, labels, notes = write_features(config, source, changes, out, out, on_step)
        again = replace(config, labels=labels, images="", text="")
    else:
        name, notes = _write_images(config, data, changes, out, link, on_step)
        again = config
    counts = changes.counts()
    told, read_again = _read_again(again, out / name, out)
    found = dict(Counter(told))
    if data["what"] == FEATURES and told != changes.told() and found == counts:
        raise InputError(
            "the cleaned copy has other rows relabelled than those that were decided on; it was not kept; write the lists alone with --lists-only"
        )
    if found != counts:
        odd = next(name for name in sorted({*counts, *found}) if counts.get(name) != found.get(name))
        raise InputError(
            f"the cleaned copy has {found.get(odd, 0):,} rows of class {odd} and not the {counts.get(odd, 0):,} that were decided on; "
            "it was not kept; write the lists alone with --lists-only"
        )
    return {"name": name, "per_class": counts, "sha256": read_again, "notes": notes}


def _read_again(config: CaseConfig, path: Path, scratch: Path) -> tuple[list[str], str]:
    """The class of each labelled row of a copy by name, and its sum. Raises InputError where it cannot be read."""
    try:
        brought = read(config, path, scratch)
    except InputError as problem:
        raise InputError(
            f"the cleaned copy cannot be read ({problem}); it was not kept; write the lists alone with --lists-only"
        ) from None
    try:
        labels = brought.labels
        told = [labels.names.get(int(label), str(label)) for label in labels.numbers[labels.labelled]]
        return told, str(brought.account["sha256"])
    finally:
        brought.close()


def _write_images(
    config: CaseConfig, data: dict[str, Any], changes: Changes, out: Path, link: bool, on_step: OnStep
) -> tuple[str, list[str]]:
    dataset = DATASETS.make(data["kind"], {"path": data["path"]} | dict(config.options))
    check_left(changes, 2 if data["split"] == "made" else 1)
    if isinstance(dataset, ImageFolder):
        return "", write_tree(dataset, changes, out, link, on_step)
    if isinstance(dataset, ImageParquet):
        notes = write_tables(dataset, changes, out, link, on_step)
    elif isinstance(dataset, Arrays):
        notes = write_arrays(dataset, changes, out, on_step)
    else:
        raise NoCopy(f"a cleaned copy of a set of the kind '{data['kind']}' is not written; the lists say what to do")
    return Path(data["path"]).name if Path(data["path"]).is_file() else "", notes
