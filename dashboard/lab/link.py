"""An experiment as a short text, for the address: a reload brings the settings of the Lab back, and a link shows them to others.
No widgets here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.experiment import RunConfig
from core.foundation.errors import InputError
from dashboard.address import LONGEST

CHOICES = ("dataset", "attack", "model", "defense")  # which decide what is usual for everything else
LARGEST = 2**53 - 1  # whole number that a browser holds


def text_of(config: RunConfig) -> str:
    """What of a resolved config is not usual, as JSON; empty where all is, or where it is too much for an address."""
    made, usual = config.as_json(), RunConfig(**{name: getattr(config, name) for name in CHOICES}).resolved().as_json()
    plain = RunConfig().as_json()
    told = {name: made[name] for name in CHOICES if made[name] != plain[name]}
    for name in made:
        if made[name] != usual[name]:
            told[name] = _changed(made[name], usual[name]) if isinstance(made[name], Mapping) else made[name]
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False) if told else ""
    return text if len(text) <= LONGEST else ""


def config_of(text: str) -> RunConfig:
    """What `text_of` wrote, resolved, but for its device, which may be that of another machine.

    Raises InputError for anything else, and for what does not fit together.
    """
    if len(text) > LONGEST:
        raise InputError("this is too long for an experiment")
    try:
        values = json.loads(text or "{}", parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise InputError("this is no experiment") from None
    made = RunConfig.from_json(values)
    return replace(replace(made, device="auto").resolved(), device=made.device)


def _whole(digits: str) -> int:
    if abs(number := int(digits)) > LARGEST:
        raise ValueError(digits)
    return number


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(digits)
    return number


def _changed(made: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if value != usual.get(name)}
