"""Independent random streams from one seed: drawing poisons differently must not change how training shuffles."""

from __future__ import annotations

import zlib

import numpy as np


def derive(seed: int, purpose: str) -> int:
    """A 32-bit seed for one purpose ("poison", "training", ...), stable across machines and versions."""
    return int(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0])
