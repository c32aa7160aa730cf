"""What lies in a folder: images, tables, and what is none of it, counted by kind."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.datasets.base import Report, tell
from core.datasets.picture import looks_like_image, suffixes
from core.foundation.errors import InputError
from core.foundation.images import LeftOut

TABLES = (".csv", ".tsv", ".jsonl")
MAX_FILES = 10_000_000
_MAC, _JUPYTER, _SYSTEM, _HIDDEN = (
    ("files ._* and __MACOSX", "macOS keeps them beside the files themselves"),
    ("files in .ipynb_checkpoints", "Jupyter's copies of files that were opened"),
    ("Thumbs.db, .DS_Store, desktop.ini", "files of the operating system"),
    ("hidden files and folders", "their names begin with a dot"),
)
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", ".ds_store", "desktop.ini", "icon\r"}
_NOT_IMAGES = {".txt", ".md", ".rst", ".json", ".xml", ".yaml", ".yml", ".html", ".py", ".ipynb", ".log", ".mat", ".pt", ".pth", ".pkl",
               ".npy", ".npz", ".zip", ".gz", ".tar", ".pdf", ".h5", ".cfg", ".ini", ".sh", ".m", ".xlsx", ".parquet", ".arrow", ""}  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """The files under a folder, as paths from it with slashes, in the order of their names."""

    root: Path
    images: tuple[PurePosixPath, ...]
    tables: tuple[PurePosixPath, ...]
    folders: tuple[PurePosixPath, ...]  # without a single file that could be used
    left_out: tuple[LeftOut, ...]

    def under(self, folder: PurePosixPath) -> Tree:
        """The images and tables of one folder in it, still as paths from the root."""
        images, tables = (
            tuple(path for path in paths if path.is_relative_to(folder)) for paths in (self.images, self.tables)
        )
        return Tree(self.root, images, tables, self.folders, ())


def walk(root: Path, report: Report | None = None) -> Tree:
    """All that lies under a folder; links are followed, each folder once. Raises InputError where it cannot be listed."""
    images, tables, empty = [], [], []
    passed: Counter[tuple[str, str]] = Counter()
    for count, (path, names) in enumerate(_files(root, passed)):
        used = 0
        for name in names:
            kind = _kind(root / path / name)
            if kind == "image":
                images.append(path / name)
            elif kind == "table":
                tables.append(path / name)
            else:
                passed[_dropping(name) or _other(name)] += 1
                continue
            used += 1
        if not names or not used:
            empty.append(path)
        if count % 100 == 0:
            tell(report, f"Listing files: {len(images):,} images so far")
        if len(images) > MAX_FILES:
            raise InputError(f"{root} holds more than {MAX_FILES:,} images; give a part of it")
    left_out = tuple(LeftOut(what, n, why) for (what, why), n in sorted(passed.items()))
    return Tree(root, tuple(sorted(images)), tuple(sorted(tables)), tuple(sorted(empty)), left_out)


def _files(root: Path, passed: Counter[tuple[str, str]]) -> Iterator[tuple[PurePosixPath, list[str]]]:
    """Each folder that is looked into, with the names of its files; what lies in the others is counted."""
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in [name for name in folders if _dropping(name)]:
            folders.remove(name)
            inside = sum(len(files) for *_, files in os.walk(os.path.join(folder, name)))
            passed[_dropping(name) or _HIDDEN] += inside
        folders.sort()
        yield PurePosixPath(os.path.relpath(folder, root).replace(os.sep, "/")), sorted(names)


def _unreadable(problem: OSError) -> None:
    raise InputError(f"{problem.filename} cannot be listed ({problem.strerror})")


def _dropping(name: str) -> tuple[str, str] | None:
    """What a file or folder is that no person put there, and why it is passed over; None for any other."""
    if name.startswith("._") or name == "__MACOSX":
        return _MAC
    if name == ".ipynb_checkpoints":
        return _JUPYTER
    if name.lower() in _SYSTEM_FILES:
        return _SYSTEM
    return _HIDDEN if name.startswith(".") else None


def _kind(file: Path) -> str:
    if _dropping(file.name):
        return ""
    suffix = file.suffix.lower()
    if suffix in suffixes():
        return "image"
    if suffix in TABLES:
        return "table"
    return "image" if (not suffix or suffix not in _NOT_IMAGES) and _sniffed(file) else ""


def _sniffed(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return looks_like_image(opened.read(16))
    except OSError:
        return False


def _other(name: str) -> tuple[str, str]:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _NOT_IMAGES:
        return "other files", "they are no images"
    return f"files *{suffix}", "a format that is not read here; convert them to PNG or JPEG if they are images"
