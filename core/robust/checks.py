"""What a caller may ask of the mathematics: one line for what it cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

TAILS = ("published", "upper")


def check_rows(x: Tensor, least: int = 1) -> None:
    """Raise ValueError unless x is (n, d), n at least `least`, of finite real numbers; the first bad row is named."""
    if x.ndim != 2 or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(f"rows must be numbers of shape (n, d), not {x.dtype} of shape {tuple(x.shape)}")
    if len(x) < least:
        raise ValueError(f"{len(x)} row(s): at least {least} are needed")
    if not bool(torch.isfinite(x.sum(dtype=torch.float64))):  # one pass; a closer look only where that fails
        bad = (~torch.isfinite(x)).any(1).nonzero()
        if len(bad):
            raise ValueError(
                f"row {int(bad[0])} has a value that is not finite (NaN or inf; {len(bad)} such row(s)); drop or mend them"
            )


def check_filter(z: Tensor, eps: float, allowance: int, tail: str) -> None:
    """Raise ValueError for what the covariance filter cannot run with."""
    check_rows(z)
    check_number("eps", eps, 0.0, 0.5, above=True)
    check_whole("allowance", allowance, 0)
    check_choice("tail", tail, TAILS)


def check_number(name: str, value: object, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Raise ValueError unless it is a finite number of low..high; above: low itself is none of them."""
    fits = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not fits or not low <= value <= high or (above and value == low):  # type: ignore[operator]
        limits = f"{'above' if above else 'at least'} {low:g}" + ("" if math.isinf(high) else f" and at most {high:g}")
        raise ValueError(f"{name} = {value!r} must be a number {limits}")


def check_whole(name: str, value: object, low: int) -> None:
    """Raise ValueError unless it is a whole number from low on."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise ValueError(f"{name} = {value!r} must be a whole number, {low} or more")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError unless it is one of them."""
    if value not in choices:
        raise ValueError(f"{name} '{value}' is not one of {', '.join(choices)}")
