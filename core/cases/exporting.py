"""An audit to be looked at elsewhere: all that the page shows, without models, large tables and the paths of this computer.

images.webp stands for images.npy, with its shape in images.json; features of more than SMALL bytes stay behind, so that classes
without pictures cannot be pictured there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from core.cases.folder import SHAPE, SHEET, CaseFolder
from core.cases.space import looks_of
from core.foundation.files import write_json
from core.foundation.sheets import pack

FILES = (
    "config.json", "status.json", "metrics.jsonl", "data.json", "rows.parquet", "findings.csv", "classes.csv", "removed.npy",
    "summary.json", "decisions.json", "result.json", "report.html",
)  # fmt: skip
WITH_PATHS = ("config.json", "data.json", "summary.json", "result.json", "report.html")
SOURCE = "source.json"  # where features lie that were too large to keep: elsewhere they are not there
SMALL = 2**20  # bytes


def export(case: CaseFolder, target: Path) -> Path:
    """Copy an audit into the new folder `target`. Raises InputError where it is not finished, or there is something already."""
    case.new_folder(target)
    places = _places(case)
    for name in FILES:
        if case.file(name).exists():
            _copy(case.file(name), target / name, places if name in WITH_PATHS else {})
    images = case.images()
    if images is not None:
        (target / SHEET).write_bytes(pack(np.asarray(images)))
        write_json(target / SHAPE, {"shape": list(images.shape)})
    for look in looks_of(case):
        (target / look.folder).mkdir()
        for file in sorted(case.file(look.folder).iterdir()):
            if (
                file.name[0] != "."
                and file.name != SOURCE
                and (file.name != "features.npy" or file.stat().st_size <= SMALL)
            ):
                shutil.copyfile(file, target / look.folder / file.name)
    return target


def _places(case: CaseFolder) -> dict[str, str]:
    """Each path of this computer that the audit names, and its last part."""
    config = case.config
    paths: list[Any] = [config.get(name) for name in ("path", "labels", "images", "weights")]
    paths.append(case.read_object("data.json").get("path"))
    found = {str(path): Path(str(path)).name for path in paths if path and Path(str(path)).is_absolute()}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _copy(source: Path, target: Path, places: dict[str, str]) -> None:
    text = source.read_bytes().decode("utf-8") if places else ""
    if not places:
        shutil.copyfile(source, target)
        return
    for path, name in places.items():
        text = text.replace(_inside(path), _inside(name)).replace(path, name)
    target.write_text(text, encoding="utf-8")


def _inside(word: str) -> str:
    """As it stands in JSON, without the quotes."""
    return json.dumps(word)[1:-1]
