"""The terminal that the commands share, and bars that say what takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from core.datasets import Report

# No markup, no emoji: names of classes, files and runs are shown as they are.
out = Console(markup=False, emoji=False)
err = Console(stderr=True, markup=False, emoji=False)


@contextmanager
def telling() -> Iterator[Report]:
    """A bar that says what takes long while data is loaded; it shows nothing where nothing does."""
    with progress() as bar:
        task = bar.add_task("loading images", total=None)

        def report(message: str, share: float | None) -> None:
            bar.update(task, description=message, completed=share or 0.0, total=None if share is None else 1.0)

        yield report


def progress(*more: ProgressColumn) -> Progress:
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        *more,
    )
    # the time left is estimated over an hour at most: a single step can take minutes
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal, speed_estimate_period=3600)
