"""One class as pictures: SPECTRE on its rows at one or several assumed numbers of poisons, and at every k that it tried.

So that whoever moves the number, or k, is answered at once. A fit takes one to some seconds, and a wrong number of poisons
needs one of its own; so the classes that look poisoned get several, the others one until somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np

from core.audit.assumed import AUTO, assumed
from core.audit.scanning import CAP, MIN_ROWS
from core.cases.class_view import AXES, ClassView, write_view
from core.cases.folder import CaseFolder
from core.cases.looks import table_of
from core.cases.space import Look, space_of
from core.foundation.errors import InputError

LIMIT = 6e4  # half precision ends at 65,504
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the number that the scan assumed in the class


def ladder(poisons: int, n: int) -> tuple[list[int], int]:
    """Numbers of poisons around the assumed one that a class of n rows can carry, and the position of that one."""
    most = max(1, int(CAP * n))
    own = min(max(1, poisons), most)
    numbers = sorted({min(max(1, round(factor * own)), most) for factor in FACTORS} | {own})
    return numbers, numbers.index(own)


def number_for(summary: Mapping[str, Any], record: Mapping[str, Any]) -> int:
    """Poisons assumed in the picture of a class, of the summary of a look and the class's record in it.

    Where the number is automatic, the scan tries as many as form groups, in classes that do not stand apart too, in which that says
    nothing: these are pictured at the share with which it begins.
    """
    if summary["parameters"]["poisons"] != AUTO or record["label"] in summary["suspected_labels"]:
        return int(record["assumed_poisons"])
    return assumed(AUTO).of(int(record["n"]))


def make_view(
    table: np.ndarray,
    rows: np.ndarray,
    label: int,
    poisons: int,
    *,
    wide: bool,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
) -> ClassView:
    """Fit SPECTRE to rows (n,) of a table (N, d). wide: at each number of the ladder, else at the given one alone.

    Raises InputError for too few rows.
    """
    from core.defenses import Spectre, shared_components

    if len(rows) < MIN_ROWS:
        raise InputError(f"{len(rows)} row(s) are too few to picture; at least {MIN_ROWS} are needed")
    x = np.asarray(table[rows])
    numbers, own = ladder(poisons, len(rows))
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
            robust[b, c] = _plane(whitened.cpu().numpy()).clip(-LIMIT, LIMIT)
    points = fits[own].components.scores[:, :AXES].cpu().numpy()
    deviations = np.maximum(points.std(0), 1e-30)
    return ClassView(
        label, rows, np.array(numbers), own, np.array(ks), chosen, objective, scores,
        _plane(points / deviations[0]), _plane(points / deviations), robust, defenses[0].removal_factor,
    )  # fmt: skip


def _plane(points: np.ndarray) -> np.ndarray:
    flat = points[:, :AXES].astype(np.float32)
    return flat if flat.shape[1] == AXES else np.hstack([flat, np.zeros_like(flat)])


def picture(
    case: CaseFolder,
    look: Look,
    label: int,
    poisons: int,
    *,
    wide: bool,
    device: str = "auto",
    on_step: Callable[[float], None] | None = None,
    must_be_kept: bool = False,
) -> ClassView:
    """Picture a class, see `make_view`, and keep that. Raises InputError where the features are not there any more.

    must_be_kept: whether it is an OSError where that cannot be; else it is made again next time.
    """
    rows = space_of(case, look).rows(label)
    view = make_view(table_of(case, look), rows, label, poisons, wide=wide, device=device, on_step=on_step)
    with nullcontext() if must_be_kept else suppress(OSError):  # of a bundled audit, perhaps
        write_view(case, look, view)
    return view
