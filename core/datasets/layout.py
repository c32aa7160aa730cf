"""How a folder of images is laid out: its parts, and in each the class of every image, by its folder or by a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from core.datasets.base import natural_key
from core.datasets.label_tables import LabelTable, find_table
from core.datasets.labels import UNLABELLED
from core.datasets.parts import part_of_name
from core.datasets.tree import Tree
from core.foundation.errors import InputError
from core.foundation.images import LeftOut

HERE = PurePosixPath(".")
WHOLE = "all images"  # the part of a folder that has none
FOLDERS, TABLE = "folders", "table"  # what gives an image its class
GIVEN_BY = ("auto", FOLDERS, TABLE)


@dataclass
class Layout:
    """The parts of a set, and an account of what is none of them."""

    folders: dict[str, PurePosixPath]  # of each part, by its name
    parts: dict[str, str | None]
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class Listing:
    """The images of one part with their classes."""

    images: tuple[PurePosixPath, ...]
    words: np.ndarray  # (n,) the class of each; "" where it has none
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    columns: tuple[str, str] | None = None  # of the table that gave the classes


def layout_of(tree: Tree) -> Layout:
    """The parts under a folder: those that folders are named after, else the whole."""
    base = _base(tree, HERE)
    notes = [f"The images lie in {base}."] if base != HERE else []
    children = _children(tree, base)
    named = {name: part for name in children if (part := part_of_name(name))}
    if not any(_is_part(tree, base / name) for name in named):
        return Layout({WHOLE: base}, {WHOLE: None}, notes)
    layout = Layout({name: base / name for name in named}, dict(named), notes)
    for name in sorted(set(children) - set(named), key=natural_key):
        layout.left_out.append(
            LeftOut(f"images in {name}", children[name], "its name is no part of training or testing")
        )
    if direct := sum(path.parent == base for path in tree.images):
        layout.left_out.append(LeftOut("images beside the parts", direct, "they are in none of them"))
    _merge_twins(tree, layout)
    return layout


def listing_of(tree: Tree, folder: PurePosixPath, given_by: str = "auto", label_column: str = "") -> Listing:
    """The images of a part. given_by: one of GIVEN_BY. Raises InputError where nothing, or two things, give them classes."""
    folder = _base(tree, folder)
    images = [path for path in tree.images if path.is_relative_to(folder)]
    table = find_table(tree, folder, images) if given_by != FOLDERS else None
    classes = _children(tree, folder)
    by_folder = len(classes) >= 2 and given_by != TABLE
    if table and (not by_folder or table.metadata or _disagrees(table, folder, images, label_column, given_by)):
        return _by_table(table, folder, images, label_column)
    if not classes:
        return Listing(tuple(images), np.full(len(images), "", dtype="U1"))
    return _by_folder(tree, folder, images)


def _base(tree: Tree, folder: PurePosixPath) -> PurePosixPath:
    """The folder that divides: single folders, as archives make them, are gone into."""
    while True:
        children = _children(tree, folder)
        if len(children) != 1 or any(path.parent == folder for path in tree.images):
            return folder
        (name,) = children
        if part_of_name(name) or (
            not _children(tree, folder / name) and not _flat_wrapper(tree, folder, folder / name)
        ):
            return folder
        folder = folder / name


def _flat_wrapper(tree: Tree, folder: PurePosixPath, inside: PurePosixPath) -> bool:
    """Whether images lie without class folders in the one folder here because a table, in or beside it, says what they are."""
    return any(path.parent in (inside, folder, *folder.parents) for path in tree.tables)


def _children(tree: Tree, folder: PurePosixPath) -> Counter[str]:
    """Images under each folder in this one."""
    depth = len(folder.parts)
    return Counter(
        path.parts[depth] for path in tree.images if len(path.parts) > depth + 1 and path.is_relative_to(folder)
    )


def _is_part(tree: Tree, folder: PurePosixPath) -> bool:
    """Whether it holds class folders, or images that a table names: a class called "train" holds images alone."""
    if _children(tree, folder):
        return True
    images = [path for path in tree.images if path.parent == folder]
    return find_table(tree, folder, images) is not None


def _merge_twins(tree: Tree, layout: Layout) -> None:
    """Train and train with the same files, as one set on Kaggle has them, are one part."""
    inside = {name: _inside(tree, folder) for name, folder in layout.folders.items()}
    for name in sorted(layout.folders):
        twins = [other for other in layout.folders if other > name and other.lower() == name.lower()]
        for twin in twins:
            if inside.get(name) == inside[twin]:
                layout.left_out.append(
                    LeftOut(f"images in {twin}", len(inside[twin]), f"they are those of {name} again")
                )
                del layout.folders[twin], layout.parts[twin]


def _inside(tree: Tree, folder: PurePosixPath) -> list[PurePosixPath]:
    return [path.relative_to(folder) for path in tree.images if path.is_relative_to(folder)]


def _by_folder(tree: Tree, folder: PurePosixPath, images: Sequence[PurePosixPath]) -> Listing:
    depth = len(folder.parts)
    inside = tuple(path for path in images if len(path.parts) > depth + 1)
    words = np.array([path.parts[depth] for path in inside])
    left_out = [
        LeftOut(f"images beside the class folders{_of(folder)}", len(images) - len(inside), "they are in no class")
    ]
    empty = [path.parts[depth] for path in tree.folders if len(path.parts) == depth + 1 and path.is_relative_to(folder)]
    empty = [name for name in empty if not any(words == name)]
    notes = (f"Folders without images, which are no classes: {', '.join(empty[:10])}.",) if empty else ()
    return Listing(inside, words, notes, tuple(one for one in left_out if one.count))


def _by_table(table: LabelTable, folder: PurePosixPath, images: Sequence[PurePosixPath], asked: str) -> Listing:
    inside = tuple(path for path in images if path in table.rows)
    words, column, note = table.labels(inside, asked)
    told = f"The classes of the images{_of(folder)} stand in {table.path}, column '{column}'."
    left_out = (
        LeftOut(f"images{_of(folder)}", len(images) - len(inside), f"{table.path} does not name them"),
        LeftOut(f"rows of {table.path}", table.missing, "the files that they name are not there"),
    )
    notes = tuple(words for words in (told, note) if words)
    return Listing(inside, words, notes, tuple(one for one in left_out if one.count), (table.file_column, column))


def _disagrees(table: LabelTable, folder: PurePosixPath, images: Sequence[PurePosixPath], asked: str, by: str) -> bool:
    """False where table and class folders divide the images alike, or the table has no labels. Raises InputError else."""
    depth = len(folder.parts)
    both = [path for path in images if path in table.rows and len(path.parts) > depth + 1]
    try:
        words, column, _ = table.labels(both, asked)
    except InputError:
        if asked:
            raise
        return False
    pairs = {(path.parts[depth], word) for path, word in zip(both, words, strict=True)}
    if len(pairs) == len({left for left, _ in pairs}) == len({right for _, right in pairs}):
        return False
    raise InputError(
        f"the folders{_of(folder)} divide the images otherwise than column '{column}' of {table.path}; say which gives the "
        f"classes: --set dataset.classes={FOLDERS} or {TABLE}"
    )


def _of(folder: PurePosixPath) -> str:
    return "" if folder == HERE else f" in {folder}"


def unlabelled(listing: Listing) -> bool:
    return all(word in ("", str(UNLABELLED)) for word in listing.words)
