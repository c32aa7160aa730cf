"""The terminal that the commands share, and bars that say what takes long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment

from core.foundation.errors import shown

if TYPE_CHECKING:
    from core.datasets import Report


class Plain(Console):
    """A terminal that obeys nothing in what is printed: names of classes, files and runs are those of strangers."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else "\n".join(map(shown, text.split("\n"))), style, control)


# No markup, no emoji: names are shown as they are.
out = Plain(markup=False, emoji=False)
err = Plain(stderr=True, markup=False, emoji=False)


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
