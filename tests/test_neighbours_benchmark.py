"""What the comparison with other libraries stands on. None of them is needed here."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.covariance import MinCovDet

from benchmarks import neighbours
from benchmarks.neighbours import (
    METHODS,
    Cell,
    Method,
    Table,
    available,
    budget,
    counted,
    flag,
    main,
    measure,
    principal,
    rival,
    together,
    trained,
)
from core.defenses import Spectre
from tests.helpers import contaminated

OURS = [method for method in METHODS if not method.needs]


def test_as_many_rows_are_flagged_as_spectre_removes() -> None:
    data = contaminated(200, 12, 15, strength=8.0, seed=1)
    fit = Spectre(n_poisons=15).fit(data.rows)
    assert budget(15) == fit.removed_.sum() == 22
    np.testing.assert_array_equal(flag(fit.scores_, budget(15), seed=0), fit.removed_)


def test_the_largest_scores_are_flagged() -> None:
    scores = np.array([0.5, -3.0, np.inf, 2.0, 1.0])
    np.testing.assert_array_equal(flag(scores, 2, seed=0), [False, False, True, True, False])


def test_of_equal_scores_no_place_is_preferred() -> None:
    times = sum(flag(np.zeros(10), 3, seed).astype(int) for seed in range(2000))
    np.testing.assert_allclose(times / 2000, 0.3, atol=0.05)


def test_scores_that_are_no_numbers_are_a_method_that_did_not_run() -> None:
    table = Table("drawn", lambda seed: (np.zeros((6, 2)), np.arange(6) < 2))
    cell = measure(Method("broken", lambda x, m, seed: np.full(len(x), np.nan)), table, [0, 1])
    assert cell.failed == "ValueError: the scores are not one number for each row"
    assert counted(cell) == counted(together([Cell([2], [0.1]), cell])) == "did not run"


@pytest.mark.parametrize(("told", "share"), [(False, None), (True, 1 - 45 / 400)])
def test_the_rival_is_the_generalised_eigenvector_of_the_two_covariances(told: bool, share: float | None) -> None:
    """v that maximises (v' C v) / (v' R v), scaled to v' R v = 1: whitening, written without it."""
    rows = contaminated(400, 20, 30, strength=5.0, spread=True, seed=2).rows
    points = principal(rows, 6, seed=3)
    robust = MinCovDet(support_fraction=share, random_state=3).fit(points)
    direction = eigh(np.cov(points.T), robust.covariance_)[1][:, -1]
    expected = ((points - robust.location_) @ direction) ** 2
    np.testing.assert_allclose(rival(6, told=told)(rows, 30, 3), expected, rtol=1e-6, atol=1e-9)


def test_the_rival_finds_spread_poison_and_takes_no_more_components_than_there_are() -> None:
    data = contaminated(400, 8, 30, strength=8.0, spread=True, seed=4)
    assert flag(rival(50)(data.rows, 30, 0), budget(30), 0)[data.poison].all()


def test_absent_libraries_are_named_once_and_their_rows_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in {"pyod", "art", "cleanlab"} else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    methods, lines = available(METHODS)
    assert methods == OURS
    assert [line.split()[0] for line in lines] == ["pyod", "adversarial-robustness-toolbox", "cleanlab"]
    assert all("pip install" in line for line in lines)


def test_medians_and_their_range_over_seeds() -> None:
    assert counted(Cell([3, 9, 4], [])) == "4 (3 to 9)"
    assert counted(Cell([7, 7, 7], [])) == "7"
    assert counted(together([Cell([3, 9, 4], []), Cell([5, 0, 5], [])])) == "9 (8 to 9)"


@pytest.fixture
def networks(tmp_path: Path) -> Path:
    """Two cases of three classes, one with poison in two of them, among rows with wrong labels."""
    rng = np.random.default_rng(0)
    for case in ("clean", "double"):
        (tmp_path / case).mkdir()
        labels, kind = np.arange(120) % 3, np.zeros(120, dtype=np.int8)
        if case == "double":
            kind[[1, 4, 7, 2]], kind[[10, 5]] = 1, 2
        np.save(tmp_path / case / "features_pooled.npy", rng.standard_normal((120, 5)).astype(np.float32))
        np.save(tmp_path / case / "labels.npy", labels)
        np.save(tmp_path / case / "kind.npy", kind)
    answers = {"clean": {"poisoned": []}, "double": {"poisoned": [1, 2]}}
    (tmp_path / "expected.json").write_text(json.dumps(answers), encoding="utf-8")
    return tmp_path


def test_each_poisoned_class_is_a_table_of_its_rows_alone(networks: Path) -> None:
    tables = trained(networks, "pooled")
    assert [table.name for table in tables] == ["double, class 1", "double, class 2"]
    rows, poison = tables[0].rows(0)
    np.testing.assert_array_equal(rows, np.load(networks / "double" / "features_pooled.npy")[1::3])
    assert np.flatnonzero(poison).tolist() == [0, 1, 2]


def test_one_command_prints_both_tables(
    networks: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "METHODS", OURS[:3])
    main(["--tables", str(networks), "--layer", "pooled", "--only", "double", "--seeds", "2"])
    found, seconds = (part.splitlines() for part in capsys.readouterr().out.split("\n\n")[1:])
    assert found[0].endswith(
        "| double, class 1 (40 x 5, 4 flagged): of 3 | double, class 2 (40 x 5, 2 flagged): of 1 | all: of 4 |"
    )
    assert [line.split("|")[1].strip() for line in found[2:-1]] == [method.title for method in OURS[:3]]
    assert found[-1] == "| drawn by lot (expected) | 0 | 0 | 0 |"
    assert [line.split("|")[1].strip() for line in seconds[2:]] == [method.title for method in OURS[:3]]
