"""How a folder of images is laid out: its parts, and in each the class of every image, by its folder or by a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.datasets import backdoorbench
from core.datasets.base import natural_key
from core.datasets.label_tables import LabelTable, find_table
from core.datasets.parts import part_of_name
from core.datasets.tree import Tree, inside, parent, parents
from core.foundation.errors import InputError
from core.foundation.images import LeftOut
from core.foundation.labels import UNLABELLED

WHOLE = "all images"  # the part of a folder that has none
FOLDERS, TABLE = "folders", "table"  # what gives an image its class
GIVEN_BY = ("auto", FOLDERS, TABLE)


@dataclass
class Layout:
    """The parts of a set, and an account of what is none of them."""

    folders: dict[str, str]  # of each part, by its name
    parts: dict[str, str | None]
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    twins: dict[str, str] = field(
        default_factory=dict
    )  # folders with the files of a part once more: its name, by theirs


@dataclass(frozen=True)
class Listing:
    """The images of one part with their classes."""

    images: Sequence[str]
    words: np.ndarray  # (n,) the class of each; "" where it has none
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    columns: tuple[str, str] | None = None  # of the table that gave the classes
    folder: str = ""  # in which the class folders or the images are
    table: LabelTable | None = (
        None  # that names the images, whether it gave the classes or says the same as the folders
    )

    @property
    def unlabelled(self) -> bool:
        return bool(np.isin(self.words, ["", str(UNLABELLED)]).all())


def layout_of(tree: Tree) -> Layout:
    """The parts under a folder: those that folders are named after, else the whole."""
    base = _base(tree, "")
    notes = [f"The images lie in {base}."] if base else []
    children = tree.children(base)
    notes += backdoorbench.notes({base.rpartition("/")[2] or tree.root.resolve().name, *children})
    named = {name: part for name in children if (part := part_of_name(name))}
    if not any(_is_part(tree, inside(base, name)) for name in named):
        return Layout({WHOLE: base}, {WHOLE: None}, notes)
    layout = Layout({name: inside(base, name) for name in named}, dict(named), notes)
    for name in sorted(set(children) - set(named), key=natural_key):
        why = backdoorbench.ASIDE.get(name, "its name is no part of training or testing")
        layout.left_out.append(LeftOut(f"images in {name}", children[name], why))
    if direct := len(_direct(tree, base)):
        layout.left_out.append(LeftOut("images beside the parts", direct, "they are in none of them"))
    _merge_twins(tree, layout)
    return layout


def listing_of(tree: Tree, folder: str, given_by: str = "auto", label_column: str = "") -> Listing:
    """The images of a part. given_by: one of GIVEN_BY. Raises InputError where nothing, or two things, give them classes."""
    folder = _base(tree, folder)
    images = tree.under(folder)
    table = find_table(tree, folder, images) if given_by != FOLDERS else None
    classes = tree.children(folder)
    by_folder = len(classes) >= 2 and given_by != TABLE
    if table and (not by_folder or table.metadata or _disagrees(table, folder, images, label_column)):
        return replace(_by_table(table, folder, images, label_column), folder=folder, table=table)
    if not classes:
        return Listing(images, np.full(len(images), "", dtype="U1"))
    return replace(_by_folder(tree, folder, images), folder=folder, table=table)


def _base(tree: Tree, folder: str) -> str:
    """The folder that divides: single folders, as archives make them, are gone into."""
    while True:
        children = tree.children(folder)
        if len(children) != 1 or _direct(tree, folder):
            return folder
        (name,) = children
        below = inside(folder, name)
        if part_of_name(name) or not (tree.children(below) or _has_table(tree, below)):
            return folder
        folder = below


def _has_table(tree: Tree, folder: str) -> bool:
    """Whether a table in or above a folder could say what the images in it are."""
    return any(parent(path) in parents(folder) for path in tree.tables)


def _direct(tree: Tree, folder: str) -> list[str]:
    """The images in the folder itself."""
    return [path for path in tree.under(folder) if parent(path) == folder]


def _is_part(tree: Tree, folder: str) -> bool:
    """Whether it holds class folders, or images that a table names: a class called "train" holds images alone."""
    return bool(tree.children(folder)) or find_table(tree, folder, tree.under(folder)) is not None


def _merge_twins(tree: Tree, layout: Layout) -> None:
    """Train and train with the same files, as one set on Kaggle has them, are one part."""
    there = {name: [path[len(folder) :] for path in tree.under(folder)] for name, folder in layout.folders.items()}
    for name in sorted(there):
        for twin in sorted(there):
            same = twin > name and twin.lower() == name.lower() and there[name] == there[twin]
            if same and twin in layout.folders:
                why = f"they are those of {name} again"
                layout.left_out.append(LeftOut(f"images in {twin}", len(there[twin]), why))
                layout.twins[layout.folders[twin]] = name
                del layout.folders[twin], layout.parts[twin]


def _by_folder(tree: Tree, folder: str, images: Sequence[str]) -> Listing:
    """By the folders of the classes, these in the order of their names."""
    classes = sorted(tree.children(folder), key=natural_key)
    found = [tree.under(inside(folder, name)) for name in classes]
    paths = [path for some in found for path in some]
    words = np.repeat(np.array(classes), [len(some) for some in found])
    beside = len(images) - len(paths)
    left_out = LeftOut(f"images beside the class folders{_of(folder)}", beside, "they are in no class")
    empty = [path for path in tree.unused if path and parent(path) == folder]
    empty = [path.rpartition("/")[2] for path in empty if not tree.under(path)]
    notes = (f"Folders without images, which are no classes: {', '.join(empty[:10])}.",) if empty else ()
    return Listing(paths, words, notes, (left_out,) if beside else ())


def _by_table(table: LabelTable, folder: str, images: Sequence[str], asked: str) -> Listing:
    paths = [path for path in images if path in table.rows]
    words, column, note = table.labels(paths, asked)
    told = f"The classes of the images{_of(folder)} stand in {table.path}, column '{column}'."
    left_out = (
        LeftOut(f"images{_of(folder)}", len(images) - len(paths), f"{table.path} does not name them"),
        LeftOut(f"rows of {table.path}", table.missing, "the files that they name are not there"),
    )
    notes = tuple(note for note in (told, note) if note)
    return Listing(paths, words, notes, tuple(one for one in left_out if one.count), (table.file_column, column))


def _disagrees(table: LabelTable, folder: str, images: Sequence[str], asked: str) -> bool:
    """False where table and class folders divide the images alike, or the table has no labels. Raises InputError else."""
    start = len(inside(folder, "x")) - 1
    both = [path for path in images if path in table.rows and "/" in path[start:]]
    try:
        words, column, _ = table.labels(both, asked)
    except InputError:
        if asked:
            raise
        return False
    pairs = {(path[start:].partition("/")[0], word) for path, word in zip(both, words.tolist(), strict=True)}
    if len(pairs) == len({left for left, _ in pairs}) == len({right for _, right in pairs}):
        return False
    raise InputError(
        f"the folders{_of(folder)} divide the images otherwise than column '{column}' of {table.path}; say which gives the "
        f"classes: --set dataset.classes={FOLDERS} or {TABLE}"
    )


def _of(folder: str) -> str:
    return f" in {folder}" if folder else ""
