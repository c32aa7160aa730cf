"""Where the parts of a set lie that is kept in tables: one file, shards of parts, folders of parts, `save_to_disk`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.base import natural_key
from core.datasets.parts import part_of_file, part_of_name
from core.foundation.errors import InputError
from core.foundation.files import read_json

SUFFIXES = (".parquet", ".arrow", ".feather")
WHOLE = "the table"  # name of a part that is called nothing
_SHARD = re.compile(r"-(\d+)-of-(\d+)")
_MAX_JSON = 2**24  # bytes of a description


@dataclass
class Found:
    """The files of each part by its name, what the name says of it, and notes."""

    files: dict[str, list[Path]] = field(default_factory=dict)
    parts: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, part: str | None, files: list[Path]) -> None:
        self.files[name] = files
        self.parts[name] = part


def find(root: Path) -> Found:
    """The tables at a path. Raises InputError where there are none, or sets of different kinds."""
    found = Found()
    if root.is_file():
        found.add(WHOLE, None, [root])
    elif not root.is_dir():
        raise InputError(f"{root} does not exist; give a parquet file or a folder of them")
    elif (root / "dataset_dict.json").is_file():
        for name in _listed(root / "dataset_dict.json", "splits"):
            found.add(name, part_of_name(name), _saved(root, name))
    elif (root / "state.json").is_file():
        found.add(WHOLE, None, _saved(root, ""))
    else:
        _shards(root, found)
    return found


def tables_in(root: Path) -> list[Path]:
    """All tables under a folder, without hidden files, in natural order."""
    files = [file for suffix in SUFFIXES for file in root.rglob(f"*{suffix}") if file.is_file()]
    shown = [file for file in files if not any(part.startswith(".") for part in file.relative_to(root).parts)]
    return sorted(shown, key=lambda file: natural_key(file.relative_to(root).as_posix()))


def _shards(root: Path, found: Found) -> None:
    """Files of one set: their part is told by their name, or by the nearest folder that is called as a part."""
    groups: dict[tuple[str, str, str | None], list[Path]] = {}
    for file in tables_in(root):
        folders = list(file.relative_to(root).parts[:-1])
        part, name = part_of_file(file.stem), ""
        if part:
            name = re.split(r"[-_.]\d|\d", file.stem)[0]
        elif named := [folder for folder in folders if part_of_name(folder)]:
            name, part = named[-1], part_of_name(named[-1])
            folders.remove(name)
        config = "/".join(folder for folder in folders if folder != "data")
        groups.setdefault((config, name or WHOLE, part), []).append(file)
    if not groups:
        raise InputError(f"{root} holds no train*.parquet, nor any other parquet or Arrow file")
    configs = sorted({config for config, _, _ in groups})
    if len(configs) > 1:
        raise InputError(
            f"{root} holds {len(configs)} sets ({', '.join(config or 'the folder itself' for config in configs[:5])}); "
            "give the path of one of them"
        )
    for (_, name, part), files in groups.items():
        found.add(name, part, files)
        found.notes += _missing(name, files)


def _missing(name: str, files: list[Path]) -> list[str]:
    shards = [_SHARD.search(file.stem) for file in files]
    if not all(shards):
        return []
    expected = max(int(shard.group(2)) for shard in shards if shard)
    if len(files) >= expected:
        return []
    return [f"Of the {expected:,} files of {name} only {len(files):,} are here, so part of the set is missing."]


def _saved(root: Path, name: str) -> list[Path]:
    folder = root / name
    if Path(name).name != name:
        raise InputError(f"{root / 'dataset_dict.json'} names the part '{name}', which is no folder beside it")
    files = [str(entry.get("filename")) for entry in _listed(folder / "state.json", "_data_files")]
    if strange := [file for file in files if Path(file).name != file or not (folder / file).is_file()]:
        raise InputError(
            f"{folder / 'state.json'} names {strange[0]}, which is not there; fetch or write the set again"
        )
    return [folder / file for file in files]


def _listed(file: Path, key: str) -> list:
    """A list in a JSON file of `save_to_disk`."""
    try:
        values = read_json(file, _MAX_JSON)[key]
        if not isinstance(values, list) or not values:
            raise ValueError("no list")
        return values
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file} does not list its {key}, as save_to_disk writes it; write the set again") from None
