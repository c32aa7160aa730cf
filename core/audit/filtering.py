"""`filter`: somebody's features in, scores and removals out, with every check on the way in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.audit.csv_files import write_findings
from core.audit.findings import Finding
from core.audit.one_class import findings_of_class, standing_groups
from core.audit.overview import SetAside, obviously_odd
from core.audit.readers import Features
from core.defenses import DEFENSES, Defense, Spectre
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.files import write_array, write_json
from core.foundation.params import check_used, describe, values_of
from core.foundation.rows import as_tensor, check_features
from core.robust import BudgetEstimate, ConvergenceError, estimate_poisons

FEWEST_KEPT = 8  # rows that have to be left where some are set aside
OF_THEIR_OWN = {"n_poisons": "--poisons", "device": "--device", "n_components": "--k"}


def estimate(
    features: np.ndarray, defense: Defense, on_trial: Callable[[int, int], None] | None = None
) -> BudgetEstimate:
    """The number of poisons by `core.robust.estimate_poisons`, at the defense's k and alpha where it is SPECTRE.

    Where groups of rows stand apart in the fit that was chosen, the number is at least that of all of their rows: one
    direction shows one of two triggers, or a few label errors that are farther out than the poison. The interval then goes
    from the smallest group to all of them. Raises InputError where there is none to be had.
    """
    where = devices.for_linear_algebra(devices.resolve(defense.device))
    options: dict[str, Any] = (
        {"k": defense.n_components, "alpha": defense.alpha} if isinstance(defense, Spectre) else {}
    )
    try:
        found = estimate_poisons(as_tensor(usable_rows(features, defense)[0], where), on_trial=on_trial, **options)
    except (ValueError, ConvergenceError) as problem:
        raise InputError(str(problem)) from None
    sizes = [len(group.rows) for group in standing_groups(found.fit)]
    if sizes:
        known = [count for count in (found.low, found.high) if count is not None]
        total = sum(sizes)
        most = max(total, found.poisons or 0)  # too small a number costs more than too large a one
        found = replace(found, poisons=most, low=min([*known, *sizes]), high=max([*known, total]))
    if not found.poisons:
        raise InputError(
            "the scores show no second group of rows, so the number of poisons cannot be estimated; "
            "give --poisons a number"
        )
    return found


def _estimated(guess: BudgetEstimate) -> str:
    return (
        f"the number of poisons was estimated: {guess.poisons:,} ({guess.low:,} to {guess.high:,}); that is right only "
        "if this class is poisoned, for a clean class with a natural second group gives a number too"
    )


@dataclass(frozen=True)
class Filtered:
    """What `filter` gives: of every row its score and whether to remove it, and the outcome as JSON values."""

    scores: np.ndarray  # (n,) float64
    removed: np.ndarray  # (n,) bool; never a broken row
    findings: tuple[Finding, ...]  # other methods than SPECTRE tell what was set aside alone
    summary: dict[str, Any]


def usable_rows(features: np.ndarray, defense: Defense) -> tuple[np.ndarray, SetAside]:
    """The features (n', d) without broken rows and copies, and what was set aside. All of them where hardly any is left.

    Raises InputError for features that cannot be worked with.
    """
    rows = check_features(features, defense.n_poisons)
    away = obviously_odd(rows, devices.for_linear_algebra(devices.resolve(defense.device)))
    kept = np.delete(np.arange(len(rows)), away.rows)
    if len(away.rows) == 0 or len(kept) < max(FEWEST_KEPT, 2 * defense.n_poisons):
        nothing = np.empty(0, np.int64)
        return rows, SetAside(nothing, (), nothing, nothing)
    return rows[kept], away


def run_filter(features: np.ndarray, defense: Defense, guess: BudgetEstimate | None = None) -> Filtered:
    """Fit the defense to the rows that are neither broken nor copies, and describe the outcome (contract of `filter`).

    A copy gets the score of the row it is a copy of, and goes where that goes; a broken row that of a new row. guess: where the number of poisons
    comes from an estimate. Raises InputError.
    """
    started = time.perf_counter()
    rows, away = usable_rows(features, defense)
    defense.fit(rows)
    scores, removed = defense.scores_, defense.removed_
    if len(away.rows):
        kept = np.delete(np.arange(len(features)), away.rows)
        scores, removed = np.empty(len(features)), np.zeros(len(features), bool)
        scores[kept], removed[kept] = defense.scores_, defense.removed_
        if len(away.broken):
            scores[away.broken] = -defense.score_samples(features[away.broken])
        scores[away.copies], removed[away.copies] = scores[away.originals], removed[away.originals]
    findings = findings_of_class(len(features), away, defense.fit_ if isinstance(defense, Spectre) else None)
    seconds = time.perf_counter() - started
    summary = _summary(features, defense, guess, away, removed, seconds)
    summary["findings"] = [finding.as_json() | {"label": None} for finding in findings]
    return Filtered(scores, removed, findings, summary)


def _summary(
    features: np.ndarray,
    defense: Defense,
    guess: BudgetEstimate | None,
    away: SetAside,
    removed: np.ndarray,
    seconds: float,
) -> dict[str, Any]:
    record = defense.record_
    candidates = record.get("candidates", [])
    chosen = candidates[record["chosen"]] if candidates else {}
    device = devices.for_linear_algebra(devices.resolve(defense.device))
    return {
        "method": defense.key,
        "parameters": {k: v for k, v in defense.get_params().items() if k != "device"},
        "k": record.get("k"),
        "n": int(features.shape[0]),
        "d": int(features.shape[1]),
        "removed": int(removed.sum()),
        "objective": {str(c["k"]): c["objective"] for c in candidates},
        "rounds": chosen.get("rounds", []),
        "stopped": chosen.get("stopped"),
        "warnings": [*_odd_rows(away), *([_estimated(guess)] if guess else []), *record.get("warnings", [])],
        "set_aside": away.as_json(),
        "estimate": guess.as_json() if guess else None,
        "seconds": round(seconds, 3),
        "device": devices.describe(device),
    }


def _odd_rows(away: SetAside) -> list[str]:
    words = []
    if len(away.broken):
        first = f"row {away.broken[0]}: {away.reasons[0]}"
        words.append(f"{len(away.broken):,} broken row(s) set aside ({first}); nothing is estimated from them")
    if len(away.copies):
        words.append(f"{len(away.copies):,} row(s) set aside as copies; one of each is kept")
    return words


def write_filter(out: Path, found: Filtered, read: Features | None = None) -> None:
    """scores.npy (n,) float64, removed.npy (n,) bool with True = remove, findings.csv, summary.json.

    read: says which file a row comes from; where that is known, findings.csv has a column with it.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, array in (("scores.npy", found.scores), ("removed.npy", found.removed)):
        write_array(out / name, array)
    place = read.place if read and read.knows_files else None
    write_findings(out / "findings.csv", found.findings, labelled=False, place=place)
    write_json(out / "summary.json", found.summary)


def make_defense(
    method: str, poisons: int, alpha: float, k: str, device: str, more: Mapping[str, Any] | None = None
) -> Defense:
    """The defense that the options of `filter` describe. more: its parameters that have no option of their own, as text or values. Raises InputError."""
    options: dict[str, Any] = {"n_poisons": poisons, "device": device}
    if method == "spectre":
        options["alpha"] = alpha
    elif alpha != Spectre.alpha:
        raise InputError(f"method {method} has no alpha; leave --alpha out")
    if k != "auto":
        if method == "spectral":
            raise InputError("method spectral looks at one component only; leave --k at auto")
        options["n_components"] = k
    if poisons < 0:
        raise InputError(f"{poisons} poisons: the count cannot be negative")
    devices.resolve(device)
    taken = OF_THEIR_OWN | ({"alpha": "--alpha"} if method == "spectre" else {})  # another method's alpha is its own
    for name in more or {}:
        if name in taken:
            raise InputError(f"defense.{name} is set by {taken[name]}")
    defense = DEFENSES.make(method, {**(more or {}), **options})
    check_used("defense", describe(type(defense)), values_of(defense))
    return defense
