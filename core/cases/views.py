"""One class as pictures: SPECTRE on its rows at one or several assumed numbers of poisons, and at every k that it tried.

So that whoever moves the number, or k, is answered at once. A fit takes one to some seconds, and a wrong number of poisons
needs one of its own; so the classes that look poisoned get several, the others one until somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.audit.scanning import CAP, MIN_ROWS
from core.cases.folder import CaseFolder
from core.cases.looks import Look, space_of, table_of
from core.foundation.errors import InputError

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the number that the scan assumed in the class
AXES = 2


@dataclass(frozen=True)
class ClassView:
    """The rows of a class that were not set aside. nan where a k could not be fitted."""

    label: int
    rows: np.ndarray  # (n,) int64, as the table numbers them
    poisons: np.ndarray  # (b,) int64, ascending, numbers of poisons assumed
    assumed: int  # position of the scan's own among them
    ks: np.ndarray  # (c,) int64, ascending
    chosen: np.ndarray  # (b,) position of the k that the objective chooses
    objective: np.ndarray  # (b, c)
    scores: np.ndarray  # (b, c, n) float32, QUE
    raw: np.ndarray  # (n, 2) first principal components, in deviations of the first
    naive: np.ndarray  # (n, 2) the same, each in its own deviations
    robust: np.ndarray  # (b, c, n, 2) whitened by the trusted rows, along the directions of most excess
    removal_factor: float

    def removed(self, budget: int, k: int) -> np.ndarray:
        """(n,) bool: what SPECTRE removes at those positions."""
        count = round(self.removal_factor * int(self.poisons[budget]))
        scores = self.scores[budget, k]
        mask = np.zeros(len(scores), bool)
        mask[np.argsort(-scores, kind="stable")[:count]] = True
        return mask


def ladder(assumed: int, n: int) -> tuple[list[int], int]:
    """Numbers of poisons around the assumed one that a class of n rows can carry, and the position of that one."""
    most = max(1, int(CAP * n))
    own = min(max(1, assumed), most)
    numbers = sorted({min(max(1, round(factor * own)), most) for factor in FACTORS} | {own})
    return numbers, numbers.index(own)


def make_view(
    table: np.ndarray,
    rows: np.ndarray,
    label: int,
    assumed: int,
    *,
    wide: bool,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> ClassView:
    """Fit SPECTRE to rows (n,) of a table (N, d). wide: at each number of the ladder, else at the assumed one alone.

    Raises InputError for too few rows.
    """
    from core.defenses import Spectre, shared_components

    if len(rows) < MIN_ROWS:
        raise InputError(f"{len(rows)} row(s) are too few to picture; at least {MIN_ROWS} are needed")
    x = np.asarray(table[rows])
    numbers, own = ladder(assumed, len(rows))
    if not wide:
        numbers, own = [numbers[own]], 0
    defenses = [Spectre(n_poisons=number, device=device) for number in numbers]
    components = shared_components(x, list(defenses))
    fits = []
    for i, defense in enumerate(defenses):
        fits.append(defense.fit(x, components=components).fit_)
        if on_step:
            on_step((i + 1) / len(defenses))
    ks = sorted({candidate.k for fit in fits for candidate in fit.candidates})
    shape = (len(numbers), len(ks), len(rows))
    scores, robust = np.full(shape, np.nan, np.float32), np.full((*shape, AXES), np.nan, np.float16)
    objective, chosen = np.full(shape[:2], np.nan), np.zeros(len(numbers), np.int64)
    for b, fit in enumerate(fits):
        chosen[b] = ks.index(fit.k)
        for candidate in fit.candidates:
            c = ks.index(candidate.k)
            whitened = candidate.whiten(fit.components.scores) @ candidate.que.directions
            scores[b, c], objective[b, c] = candidate.scores.cpu().numpy(), candidate.objective
            robust[b, c] = _plane(whitened.cpu().numpy())
    points = fits[own].components.scores[:, :AXES].cpu().numpy()
    deviations = np.maximum(points.std(0), 1e-30)
    return ClassView(
        label, rows, np.array(numbers), own, np.array(ks), chosen, objective, scores,
        _plane(points / deviations[0]), _plane(points / deviations), robust, defenses[0].removal_factor,
    )  # fmt: skip


def _plane(points: np.ndarray) -> np.ndarray:
    flat = points[:, :AXES].astype(np.float32)
    return flat if flat.shape[1] == AXES else np.hstack([flat, np.zeros_like(flat)])


def write_view(case: CaseFolder, look: Look, view: ClassView) -> None:
    with case.replacing(_name(look, view.label)) as aside, aside.open("wb") as file:
        np.savez(file, **{name: np.asarray(value) for name, value in vars(view).items()})  # type: ignore[arg-type]


def has_view(case: CaseFolder, look: Look, label: int) -> bool:
    """Whether the class is pictured already."""
    return case.file(_name(look, label)).is_file()


def read_view(case: CaseFolder, look: Look, label: int) -> ClassView:
    """The pictures of a class. Raises InputError where there are none, or they do not fit together."""
    found: dict[str, Any] = case.load_arrays(_name(look, label))
    try:
        view = ClassView(**{**found, **{name: found[name].item() for name in ("label", "assumed", "removal_factor")}})
        n, shape = len(view.rows), (len(view.poisons), len(view.ks))
        fits = (
            view.scores.shape == (*shape, n) and view.robust.shape == (*shape, n, AXES) and view.raw.shape == (n, AXES)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise InputError(f"{case.id}: the pictures of class {label} are damaged")
    return view


def picture(
    case: CaseFolder,
    look: Look,
    label: int,
    assumed: int,
    *,
    wide: bool,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> ClassView:
    """Picture a class, see `make_view`, and keep that. Raises InputError where the features are not there any more."""
    rows = space_of(case, look).rows(label)
    view = make_view(table_of(case, look), rows, label, assumed, wide=wide, device=device, on_step=on_step)
    with suppress(OSError):  # of a bundled audit, perhaps: then it is made again next time
        write_view(case, look, view)
    return view


def _name(look: Look, label: int) -> str:
    return f"{look.folder}/class-{label}.npz"
