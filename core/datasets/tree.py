"""What lies in a folder: images, tables, and what is none of it, counted by kind."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.datasets.backdoorbench import RECORDS
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
_NO_FILE = ("pipes, devices, links to nothing", "they are no files")
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", ".ds_store", "desktop.ini", "icon\r"}
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"}
_NOT_IMAGES = {".txt", ".md", ".rst", ".json", ".xml", ".yaml", ".yml", ".html", ".py", ".ipynb", ".log", ".mat", *_PICKLES,
               ".npy", ".npz", ".zip", ".gz", ".tar", ".pdf", ".h5", ".cfg", ".ini", ".sh", ".m", ".xlsx", ".parquet", ".arrow", ""}  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """The files under a folder, as paths from it with slashes ("" is the folder itself), in the order of their parts."""

    root: Path
    images: list[str]
    tables: list[str]
    unused: list[str]  # folders without a single file that could be used
    left_out: tuple[LeftOut, ...]

    def under(self, folder: str) -> list[str]:
        """The images in a folder and in all folders in it."""
        if not folder:
            return self.images
        parts = folder.split("/")
        beyond = [*parts[:-1], parts[-1] + "\0"]  # the least name that comes after it
        return self.images[bisect_left(self.images, parts, key=_parts) : bisect_left(self.images, beyond, key=_parts)]

    def children(self, folder: str) -> Counter[str]:
        """How many images are under each folder in this one."""
        start = len(inside(folder, ""))
        names = (path[start:].partition("/") for path in self.under(folder))
        return Counter(name for name, slash, _ in names if slash)


def inside(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def parent(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def parents(folder: str) -> list[str]:
    """The folder and all above it, to the root."""
    found = [folder]
    while found[-1]:
        found.append(parent(found[-1]))
    return found


def _parts(path: str) -> list[str]:
    return path.split("/")


def walk(root: Path, report: Report | None = None) -> Tree:
    """All that lies under a folder; links are followed, each folder once. Raises InputError where it cannot be listed."""
    images: list[str] = []
    tables: list[str] = []
    unused: list[str] = []
    passed: Counter[tuple[str, str]] = Counter()
    for folder, names in _folders(root, passed):
        before = len(images) + len(tables)
        for name in names:
            kind = _kind(root, inside(folder, name), name)
            if kind and not (root / folder / name).is_file():  # to open a pipe would wait for whoever writes into it
                passed[_NO_FILE] += 1
                continue
            if kind == "image":
                images.append(inside(folder, name))
            elif kind == "table":
                tables.append(inside(folder, name))
            else:
                passed[_dropping(name) or _other(name)] += 1
        if len(images) + len(tables) == before:
            unused.append(folder)
        tell(report, f"Listing files: {len(images):,} images so far")
        if len(images) > MAX_FILES:
            raise InputError(f"{root} holds more than {MAX_FILES:,} images; give a part of it")
    left_out = tuple(LeftOut(what, n, why) for (what, why), n in sorted(passed.items()) if n)
    return Tree(root, sorted(images, key=_parts), sorted(tables, key=_parts), sorted(unused, key=_parts), left_out)


def _folders(root: Path, passed: Counter[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
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
            count = sum(len(files) for *_, files in os.walk(os.path.join(folder, name)))
            passed[_dropping(name) or _HIDDEN] += count
        path = os.path.relpath(folder, root).replace(os.sep, "/")
        yield "" if path == "." else path, names


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


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _kind(root: Path, path: str, name: str) -> str:
    if _dropping(name):
        return ""
    suffix = _suffix(name)
    if suffix in suffixes():
        return "image"
    if suffix in TABLES:
        return "table"
    return "image" if (not suffix or suffix not in _NOT_IMAGES) and _sniffed(root / path) else ""


def _sniffed(file: Path) -> bool:
    try:
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return looks_like_image(opened.read(16))
    except OSError:
        return False


def _other(name: str) -> tuple[str, str]:
    if name in RECORDS:
        return name, RECORDS[name]
    suffix = _suffix(name)
    if suffix in _PICKLES:
        return "pickles", "their loader can run code, so they are never read"
    if suffix in _NOT_IMAGES:
        return "other files", "they are no images"
    return f"files *{suffix}", "a format that is not read here; convert them to PNG or JPEG if they are images"
