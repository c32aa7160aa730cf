"""A folder of image files, in parts or whole, whose classes are subfolders or stand in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.datasets.base import Report, is_whole
from core.datasets.brought import BroughtSet, EncodedPart, check_test_classes, decoded_parts, labelled_rows
from core.datasets.decode import decode_all
from core.datasets.label_tables import find_table
from core.datasets.labels import Classes, classes_of
from core.datasets.layout import GIVEN_BY, Layout, Listing, layout_of, listing_of
from core.datasets.parts import Chosen, choose
from core.datasets.tree import Tree, walk
from core.foundation.errors import InputError
from core.foundation.images import LeftOut, Reading, Split
from core.foundation.labels import UNLABELLED
from core.foundation.params import param


@dataclass(frozen=True)
class FolderPlan:
    """What is read of a folder, before any image is."""

    tree: Tree
    layout: Layout
    listings: Mapping[str, Listing]  # of each part
    chosen: Chosen
    classes: Classes  # of the training part, and of the part to test on
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class ImageFolder(BroughtSet):
    """`path/class/*.png`, or `path/train/class/*.png` with `path/test/class/*.png`, or images and a table of their labels."""

    key: ClassVar[str] = "folder"
    title: ClassVar[str] = "Image folder"
    summary: ClassVar[str] = (
        "Your own images: one subfolder a class or a table of labels, optionally under train/ and test/."
    )

    path: str = param("", "The folder: subfolders of classes, or train/ and test/ with such, or images and a table")
    size: int = param(32, "Images are cropped to a square and resized to this side", unit="pixels", low=8, high=1024)
    skip_broken: bool = param(False, "Leave out images that cannot be read, instead of stopping")
    classes: str = param(
        "auto", "What gives the classes, where folders and a table say different things", choices=GIVEN_BY
    )
    label_column: str = param("", "Column of the labels, where a table has them; empty tells it from its name")

    def plan(self, report: Report | None = None) -> FolderPlan:
        """What would be read. Raises InputError."""
        root = self.root("the folder of images")
        if not root.is_dir():
            raise InputError(f"{root} is not a folder")
        tree = walk(root, report)
        layout = layout_of(tree)
        listings = {n: listing_of(tree, f, self.classes, self.label_column) for n, f in layout.folders.items()}
        labelled = {name: layout.parts[name] for name, listing in listings.items() if not listing.unlabelled}
        left_out = [*tree.left_out, *layout.left_out, *_passed_over(listings, labelled)]
        if not labelled:
            raise InputError(_no_classes(tree, listings))
        chosen = choose(labelled, self.split)
        used = [name for name in (chosen.train, chosen.test) if name]
        left_out += [LeftOut(f"images in {n}", len(listings[n].images), chosen.why_unused) for n in chosen.unused]
        classes = _numbered(_without_none([listings[name] for name in used]), used)
        if len(classes.names) < 2:
            raise InputError(_no_classes(tree, listings))
        check_test_classes(classes, f"{chosen.test}")
        return FolderPlan(tree, layout, listings, chosen, classes, tuple(left_out))

    def column_names(self) -> tuple[str, ...]:
        tree = walk(self.root("the folder of images"))
        tables = [find_table(tree, folder, tree.under(folder)) for folder in layout_of(tree).folders.values()]
        return tuple(dict.fromkeys(column.name for table in tables if table for column in table.columns))

    def load(self, seed: int, report: Report | None = None) -> Split:
        plan = self.plan(report)
        tree, layout, listings, chosen, classes = plan.tree, plan.layout, plan.listings, plan.chosen, plan.classes
        used, left_out = [name for name in (chosen.train, chosen.test) if name], list(plan.left_out)
        encoded = []
        for name, numbers in zip(used, classes.numbers, strict=True):
            rows, missing = labelled_rows(numbers, f"images in {name}")
            left_out += [*missing, *listings[name].left_out]
            encoded.append(self._decoded(name, tree, listings[name], rows, numbers[rows], report))
        images, notes = decoded_parts(encoded, classes.names, self.skip_broken, self.levels)
        told = [*layout.notes, *dict.fromkeys(note for name in used for note in listings[name].notes), *notes]
        return self.cut(images, seed, told, Reading(columns=listings[chosen.train].columns, left_out=tuple(left_out)))

    def _decoded(
        self, name: str, tree: Tree, listing: Listing, rows: np.ndarray, numbers: np.ndarray, report: Report | None
    ) -> EncodedPart:
        paths = [listing.images[row] for row in rows]
        files = [tree.root / path for path in paths]
        decoded = decode_all(files, len(files), self.size, lambda i: paths[i], report)
        return EncodedPart(name, decoded, numbers, np.array(paths))


def _without_none(listings: Sequence[Listing]) -> list[np.ndarray]:
    """The words of the parts; -1 in a table is no class there, unless it is one of two."""
    none = str(UNLABELLED)
    others = {str(word) for listing in listings for word in np.unique(listing.words)} - {"", none}
    stands = len(others) > 1
    return [
        np.where(listing.words == none, "", listing.words) if stands and listing.columns else listing.words
        for listing in listings
    ]


def _numbered(words: Sequence[np.ndarray], names: Sequence[str]) -> Classes:
    """The classes of all parts; 7 in a table is the folder 00007."""
    train = {int(word): str(word) for word in np.unique(words[0]) if is_whole(word)}
    if len(train) == len(np.unique(words[0])):
        words = [np.array([train.get(int(word), word) if is_whole(word) else word for word in part]) for part in words]
    return classes_of({f"the classes of {name}": part for name, part in zip(names, words, strict=True)})


def _passed_over(listings: Mapping[str, Listing], labelled: Mapping[str, object]) -> list[LeftOut]:
    return [
        LeftOut(f"images in {name}", len(listing.images), "nothing says what their classes are: unlabelled")
        for name, listing in listings.items()
        if name not in labelled and len(listing.images)
    ]


def _no_classes(tree: Tree, listings: Mapping[str, Listing]) -> str:
    classes = {word for listing in listings.values() for word in listing.words if word}
    found = f"{len(tree.images):,} image(s)" if tree.images else "no images"
    passed = "; ".join(f"{one.count:,} {one.what}: {one.why}" for one in tree.left_out[:3])
    return (
        f"{tree.root} has {len(classes)} class folder(s) and {found}; at least 2 are needed, each with the images of its class, "
        f"or a table of file names and labels beside the images{f' ({passed})' if passed else ''}"
    )
