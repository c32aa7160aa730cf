"""`scan` and `sweep` on a Ray cluster, here one of two workers on this machine: what the local engine gives, bit for bit."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.audit.assumed import assumed
from core.audit.scanning import scan, scan_files
from core.audit.scanning.classes import split_classes
from core.audit.scanning.workers import _fit_there
from core.audit.table import as_table, part_of
from core.foundation import cluster as cluster_module
from core.foundation.cluster import Cluster, _reason
from core.foundation.errors import InputError
from core.runs import Runs
from core.studies import series, sweep
from core.studies.evidence import making
from core.studies.evidence.plan import Experiment, Plan
from tests.conftest import Cli
from tests.makers import tiny_config

ray = pytest.importorskip("ray", reason="Ray is not installed")
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers know the package, not its tests
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Ray writes a token into the home folder: it gets one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RAY_AUTH_MODE", "disabled")
        with Cluster("local", cpus=1) as found:
            yield found


def table(folder: Path) -> tuple[Path, Path]:
    """Features and labels of three classes of 120, with a group of 15 in one of them."""
    rng = np.random.default_rng(3)
    labels = np.arange(360) % 3
    x = rng.standard_normal((360, 24)) + 3 * rng.standard_normal((3, 24))[labels]
    x[np.flatnonzero(labels == 2)[:15]] += 2 * rng.standard_normal(24)
    np.save(folder / "x.npy", x.astype(np.float32))
    np.save(folder / "y.npy", labels)
    return folder / "x.npy", folder / "y.npy"


def halved(number: int) -> float:
    if number % 2:
        raise InputError(f"{number} is odd")
    return number / 2


def lost_once(mark: str) -> str:
    """Ends its own process the first time."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def where() -> str:
    return os.getcwd()


def test_results_come_of_every_item_whatever_their_order(cluster: Cluster) -> None:
    waits: list[int] = []
    found = cluster.results(halved, ((number,) for number in range(0, 40, 2)), lambda: waits.append(1))
    assert sorted(found) == list(range(20))
    assert waits


def test_an_error_is_raised_as_it_is(cluster: Cluster) -> None:
    with pytest.raises(InputError, match=r"^3 is odd$"):
        list(cluster.results(halved, [(3,)]))


def test_what_a_lost_worker_was_at_is_done_again(cluster: Cluster, tmp_path: Path) -> None:
    assert list(cluster.results(lost_once, [(str(tmp_path / "mark"),)])) == ["done"]


def test_work_is_done_in_the_folder_of_the_caller(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(cluster.results(where, [()])) == [str(tmp_path)]


def test_a_scan_is_the_same_as_here_bit_for_bit(cluster: Cluster, tmp_path: Path) -> None:
    """From paths that all machines share, and from addresses."""
    x, y = table(tmp_path)
    here = scan_files(x, y, "auto", tmp_path / "here", level=0.05)
    assert here["machines"] == 0
    for name, features, labels in (("paths", x, y), ("addresses", f"file://{x}", f"file://{y}")):
        there = scan_files(features, labels, "auto", tmp_path / name, level=0.05, cluster=cluster)
        assert here["suspected_labels"] == there["suspected_labels"] == [2]
        for file in ("classes.csv", "findings.csv", "removed.npy"):
            assert (tmp_path / "here" / file).read_bytes() == (tmp_path / name / file).read_bytes(), (name, file)
        assert (there["machines"], there["threads_each"]) == (1, 1)


def test_features_in_memory_do_not_travel(cluster: Cluster) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"np\.save"):
        scan(rng.standard_normal((100, 8)), np.arange(100) % 2, 5, cluster=cluster)


def test_a_machine_without_the_features_says_so(cluster: Cluster, tmp_path: Path) -> None:
    x, y = table(tmp_path)
    task = split_classes(np.load(y), assumed(5))[0]
    part = part_of(as_table(np.load(x, mmap_mode="r")), task.rows)
    x.unlink()
    with pytest.raises(InputError, match="same path"):
        list(cluster.results(_fit_there, [(task, part, "cpu", 1)]))


def test_a_sweep_is_the_same_as_here(cluster: Cluster, tmp_path: Path, picture_folder: Path) -> None:
    configs = sweep.plan(tiny_config(picture_folder, retrain=False), [3, 6], [0])
    here = sweep.sweep(configs, tmp_path / "here")
    steps: list[sweep.Step] = []
    there = sweep.sweep(configs, tmp_path / "there", cluster=cluster, on_step=steps.append)

    def figures(made: series.Series) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k not in ("run", "seconds")} for row in made.rows]

    assert figures(here) == figures(there)
    assert (steps[-1].done, steps[-1].total, steps[-1].overall) == (2, 2, 2.0)
    assert max(len(step.at_work) for step in steps) == 2
    assert [run.status.state for run in Runs(tmp_path / "there")] == ["finished"] * 2
    assert sweep.sweep(configs, tmp_path / "there", cluster=cluster) == there, "what is finished is not made again"


def test_a_grid_is_the_same_as_here(cluster: Cluster, tmp_path: Path, picture_folder: Path) -> None:
    config = tiny_config(picture_folder, training={"epochs": 1, "batch_size": 16})
    one = Experiment("Patch", config, (6,), (0, 1), ("block3", "pooled"), ("pooled",))
    plan = Plan.of("small", [one])
    here, there = making.make(plan, tmp_path / "here"), making.make(plan, tmp_path / "there", cluster=cluster)
    assert (there.finished, there.failed) == (2, 0)
    columns = [name for name in here.table if "seconds" not in str(name)]
    ordered = there.table.sort_values(["seed"], kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(ordered[columns], here.table[columns])
    assert (
        making.make(
            Plan.of("more", [replace(one, seeds=(0, 1, 2))]), tmp_path / "there", cluster=cluster, minutes=0
        ).left
        == 1
    )


@pytest.mark.parametrize(("more", "words"), [({"cpus": 10_000}, "10000 CPUs"), ({"gpus": 0.5}, "0.5 GPUs")])
def test_more_than_any_machine_has_is_refused(
    cluster: Cluster, more: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for ever."""
    monkeypatch.setattr(cluster_module, "_connected", lambda address: ray)
    monkeypatch.setattr(Cluster, "close", lambda self: None)
    with pytest.raises(InputError, match=words):
        Cluster("auto", **more)


def test_an_engine_that_is_none_is_refused(tmp_path: Path, cli: Cli) -> None:
    x, y = table(tmp_path)
    found = cli("scan", x, y, "--poisons", "20", "--out", tmp_path / "out", "--engine", "elsewhere")
    assert found.status == 2
    assert "local, ray" in found.err


def test_no_cluster_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(InputError, match="ray start --head") as caught:
        Cluster()
    assert "\n" not in str(caught.value)


def test_a_cluster_that_asks_for_a_token_says_where_it_lies() -> None:
    problem = ConnectionError("Failed to connect")
    problem.__cause__ = RuntimeError("InvalidAuthToken: Authentication token is missing")
    assert "auth_token" in _reason(problem)
    assert "token" not in _reason(ConnectionError("nobody there.\nmore"))
