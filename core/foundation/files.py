"""Writing files so that nobody ever reads half of one."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """`with replacing(path) as aside:` write aside; it takes the place of path when all went well."""
    aside = final.with_name(f".{secrets.token_hex(4)}.{final.name}")
    try:
        yield aside
        os.replace(aside, final)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """JSON that another reader takes too: no NaN."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(value, indent=1, allow_nan=False), encoding="utf-8")


def write_array(path: Path, array: np.ndarray) -> None:
    """One array as .npy."""
    with replacing(path) as aside, aside.open("wb") as file:
        np.save(file, array, allow_pickle=False)
