"""Independent random streams from one seed: drawing poisons differently must not change how training shuffles."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from core.foundation.params import param

LAST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Seeds:
    """A seed apart for one purpose, so that one source of chance can be varied while the others stay."""

    data: int | None = param(None, "Seed of the data alone; empty: the seed of the run", low=0, high=LAST_SEED)
    poison: int | None = param(None, "Seed of what is poisoned; empty: the seed of the run", low=0, high=LAST_SEED)
    training: int | None = param(None, "Seed of the training; empty: the seed of the run", low=0, high=LAST_SEED)


def derive(seed: int, purpose: str) -> int:
    """A 32-bit seed for one purpose ("poison", "training", ...), stable across machines and versions."""
    return int(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0])
