"""Tables as analysts brought them, each of which was refused or misread once: the same verdict as of plain arrays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ml_dtypes import bfloat16
from safetensors.torch import save_file

from tests.core.audit.readers.makers import csv, files, fixed, hdf5, lists, npy, parquet
from tests.helpers import anisotropic
from tests.makers import Outcome

Cli = Callable[..., Outcome]
DATA = anisotropic(160, 10, 8, strength=9.0, seed=5)
ROWS = (np.rint(DATA.rows * 8) / 8).astype(bfloat16).astype(np.float32)  # exact in every form
WORDS = np.array(["give way", "no entry", "roundabout", "stop"])


def table(path: Path, **columns: object) -> Path:
    return parquet(path, {"id": np.arange(len(ROWS)), "file": files(len(ROWS))} | columns)


def bf16(path: Path) -> Path:
    save_file({"features": torch.from_numpy(ROWS).bfloat16()}, path)
    return path


FILTER: dict[str, Callable[[Path], Path]] = {
    "features-parquet-list": lambda at: table(at / "x.parquet", embedding=lists(ROWS)),
    "features-parquet-half": lambda at: table(at / "x.parquet", features=fixed(ROWS.astype(np.float16))),
    "features-npy-bfloat16": lambda at: npy(at / "x.npy", ROWS.astype(bfloat16).view("V2")),
    "features-safetensors-bfloat16": lambda at: bf16(at / "x.safetensors"),
    "features-csv": lambda at: csv(at / "x.csv", ROWS),
    "features-h5": lambda at: hdf5(at / "x.h5", {"features": ROWS}),
}


@pytest.mark.parametrize("write", FILTER.values(), ids=FILTER.keys())
def test_filter(write: Callable[[Path], Path], tmp_path: Path, cli: Cli) -> None:
    given, plain = write(tmp_path), npy(tmp_path / "plain.npy", ROWS)
    for path, out in ((given, tmp_path / "given"), (plain, tmp_path / "out")):
        said = cli("filter", path, "--poisons", 8, "--device", "cpu", "--out", out)
        assert (said.status, said.err) == (0, "")
    removed = np.load(tmp_path / "given" / "removed.npy")
    np.testing.assert_array_equal(removed, np.load(tmp_path / "out" / "removed.npy"))
    assert removed[DATA.poison].all()
    summary = json.loads((tmp_path / "given" / "summary.json").read_text())
    assert (summary["n"], summary["d"]) == ROWS.shape


def crowd() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows among those of three clean classes, in a mixed order; their labels; which are poison."""
    rng = np.random.default_rng(1)
    clean = [anisotropic(160, 10, 0, strength=9.0, seed=6 + c).rows + 5 * rng.standard_normal(10) for c in range(3)]
    order = rng.permutation(4 * 160)
    rows = np.concatenate([*clean, ROWS])[order].astype(np.float32)
    poison = np.concatenate([np.zeros(3 * 160, bool), DATA.poison])[order]
    return rows, np.repeat(np.arange(4), 160)[order], poison


CROWD, LABELS, POISON = crowd()
SCAN: dict[str, Callable[[Path], tuple[Path, str | Path]]] = {
    "scan-words-in-a-column": lambda at: (
        parquet(at / "x.parquet", {"file": files(len(CROWD)), "label": WORDS[LABELS], "features": lists(CROWD)}),
        "label",
    ),
    "scan-labels-as-a-column": lambda at: (npy(at / "x.npy", CROWD), npy(at / "y.npy", LABELS[:, None])),
}


@pytest.mark.parametrize("write", SCAN.values(), ids=SCAN.keys())
def test_scan(write: Callable[[Path], tuple[Path, str | Path]], tmp_path: Path, cli: Cli) -> None:
    said = cli("scan", *write(tmp_path), "--poisons", 8, "--device", "cpu", "--out", tmp_path / "given")
    assert (said.status, said.err) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "given" / "removed.npy"), POISON)
    summary = json.loads((tmp_path / "given" / "summary.json").read_text())
    assert (summary["n"], summary["d"]) == CROWD.shape
