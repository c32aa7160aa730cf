"""Whole audits, small: features with two poisoned classes, drawn signs through a model that is trained here."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.cases import CaseConfig, CaseFolder, execute
from core.cases.class_view import read_view
from core.cases.looks import table_of
from core.cases.space import looks_of, space_of
from core.datasets import DATASETS
from core.foundation.errors import Cancelled, InputError
from core.foundation.files import write_json
from core.foundation.images import ImageData
from core.runs import Status
from tests.cases import snapshot
from tests.conftest import Cli
from tests.makers import Outcome, check_refused, write_folder

ROOT = Path(__file__).resolve().parents[3]
POISONED = {1: 3, 2: 4}  # target: source
EACH, POISON = 150, 14


def poisoned_features(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five classes (n, 12) with their labels, two of them poisoned, and which rows are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(5, 12)) * 4
    labels = np.repeat(np.arange(5), EACH)
    rows = centres[labels] + rng.normal(size=(len(labels), 12))
    poison = np.zeros(len(labels), bool)
    for target, source in POISONED.items():
        some = np.flatnonzero(labels == target)[:POISON]
        poison[some] = True
        rows[some] = centres[source] + 5 * np.eye(12)[target] + 0.3 * rng.normal(size=(POISON, 12))
    return rows.astype(np.float32), labels, poison


def begun(folder: Path, config: CaseConfig) -> CaseFolder:
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config.checked().as_json())
    return CaseFolder(folder)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows, labels, _ = poisoned_features()
    path = tmp_path_factory.mktemp("set") / "embeddings.parquet"
    words = [f"a review of {i}" for i in range(len(rows))]
    pd.DataFrame({"embedding": list(rows), "label": np.array(list("abcde"))[labels], "review": words}).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def features_case(parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    case = begun(
        tmp_path_factory.mktemp("audit") / "a",
        CaseConfig(str(parquet), "label", text="review", workers=1, device="cpu"),
    )
    execute(case)
    return case


def test_two_poisoned_classes_are_found_with_their_rows_and_sources(features_case: CaseFolder) -> None:
    _, _, poison = poisoned_features()
    summary = features_case.summary
    found = [one for one in summary["findings"] if one["kind"] == "poison"]
    assert {one["label"]: one["nearest_label"] for one in found} == POISONED
    assert set(summary["suspected_labels"]) == set(POISONED)
    table = features_case.load_findings()
    rows = table["row"][table["kind"] == "poison"].to_numpy()
    assert poison[rows].mean() > 0.9
    assert poison[rows].sum() >= 0.9 * poison.sum()
    assert summary["label_names"] == {str(i): name for i, name in enumerate("abcde")}


def test_what_a_features_audit_leaves_fits_together(features_case: CaseFolder, parquet: Path) -> None:
    rows, labels, _ = poisoned_features()
    assert features_case.status.state == "finished"
    table = features_case.load_rows()
    assert table["label"].tolist() == labels.tolist()
    assert table["text"][7] == "a review of 7"
    (look,) = looks_of(features_case)
    assert np.array_equal(table_of(features_case, look), rows)
    assert sorted(space_of(features_case, look).order.tolist()) == list(range(len(rows)))
    view = read_view(features_case, look, 1)
    assert len(view.poisons) > 1  # it looks poisoned, so other numbers will be asked for
    clean = read_view(features_case, look, 0)
    assert len(clean.poisons) == 1
    assert not [line for line in features_case.summary["not_looked_at"] if "by themselves" in line["what"]]
    assert features_case.summary["command"].startswith(f"python -m core audit {parquet} label --text review")


class Stop:
    """An observer that ends an audit as it enters a stage."""

    def __init__(self, stage: str, problem: type[BaseException] = Cancelled) -> None:
        self.stage, self.problem = stage, problem

    def __call__(self, status: Status) -> None:
        if status.stage == self.stage and status.state == "running":
            raise self.problem


def tiny_signs(root: Path) -> Path:
    """Three classes of 40 drawn signs, 8 stop signs with a yellow corner among the yield signs."""
    signs = DATASETS.make("signs", {"per_class": 50}).load(0).train
    kept = np.concatenate([np.flatnonzero(signs.labels == label)[:40] for label in range(3)])
    images, labels = signs.images[kept].copy(), signs.labels[kept].copy()
    images[:8, -4:, -4:] = (255, 255, 0)
    labels[:8] = 1
    return write_folder(root, ImageData(images, labels, signs.class_names[:3]))


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_signs(tmp_path_factory.mktemp("signs") / "set")


def signs_config(signs: Path) -> CaseConfig:
    return CaseConfig(str(signs), epochs=1, layers=("pooled", "block2"), workers=1, device="cpu")


@pytest.fixture(scope="module")
def signs_case(signs: Path, tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    case = begun(tmp_path_factory.mktemp("audit") / "a", signs_config(signs))
    execute(case)
    return case


def test_a_folder_of_images_end_to_end(signs_case: CaseFolder, signs: Path) -> None:
    table, summary = signs_case.load_rows(), signs_case.summary
    assert sorted(table["file"]) == sorted(snapshot(signs))
    assert [Path(file).parts[0] for file in table["file"]] == [
        signs_case.read_json("data.json")["class_names"][i] for i in table["label"]
    ]
    assert signs_case.images().shape == (120, 32, 32, 3)
    assert [look.layer for look in looks_of(signs_case)] == ["pooled", "block2"] == summary["layers"]
    assert all(len(table_of(signs_case, look)) == 120 for look in looks_of(signs_case))
    assert signs_case.result["model"]["epochs"] == 1
    assert signs_case.file("model.safetensors").is_file()
    assert set(signs_case.result["seconds"]) == {"read", "train", "features", "look", "pictures", "report"}
    for name in ("findings.csv", "classes.csv", "removed.npy"):
        assert signs_case.file(name).read_bytes() == signs_case.file(f"look-0/{name}").read_bytes()


@pytest.mark.parametrize("stage", [pytest.param("train", marks=pytest.mark.slow), "look"])
def test_one_that_was_stopped_goes_on_and_finds_the_same(
    signs_case: CaseFolder, signs: Path, tmp_path: Path, stage: str
) -> None:
    case = begun(tmp_path / "b", signs_config(signs))
    with pytest.raises(Cancelled):
        execute(case, Stop(stage))
    assert case.status.state == "cancelled"
    assert stage not in case.result["seconds"]
    before = case.file("rows.parquet").stat().st_mtime_ns
    execute(case)
    assert case.status.state == "finished"
    assert case.file("rows.parquet").stat().st_mtime_ns == before  # what was finished is not done again
    for name in (
        "findings.csv",
        "classes.csv",
        "removed.npy",
        "look-0/features.npy",
        "look-1/space.npy",
        "model.safetensors",
    ):
        assert case.file(name).read_bytes() == signs_case.file(name).read_bytes(), name
    assert case.summary["findings"] == signs_case.summary["findings"]


def test_an_audit_whose_data_has_changed_does_not_go_on(tmp_path: Path) -> None:
    """Other rows beside the features and the list that are there would be told as theirs."""
    rows, labels, _ = poisoned_features()
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", labels)
    case = begun(tmp_path / "a", CaseConfig(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), workers=1, device="cpu"))
    with pytest.raises(Cancelled):
        execute(case, Stop("look"))
    np.save(tmp_path / "x.npy", rows[::-1])
    with pytest.raises(InputError, match="has changed since the audit began"):
        execute(case)
    assert case.status.state == "failed"
    np.save(tmp_path / "x.npy", rows)
    np.save(tmp_path / "y.npy", np.roll(labels, 1))
    with pytest.raises(InputError, match=r"y\.npy has changed since the audit began"):
        execute(case)
    np.save(tmp_path / "y.npy", labels)
    execute(case)
    assert case.status.state == "finished"


def test_a_cancel_is_heard_and_an_interrupt_is_one(parquet: Path, tmp_path: Path) -> None:
    config = CaseConfig(str(parquet), "label", workers=1, device="cpu")
    case = begun(tmp_path / "a", config)
    case.request_cancel()
    with pytest.raises(Cancelled):
        execute(case)
    assert case.status.state == "cancelled"
    other = begun(tmp_path / "b", config)
    with pytest.raises(Cancelled):
        execute(other, Stop("look", KeyboardInterrupt))
    assert (other.status.state, other.status.message) == ("cancelled", "interrupted; finished stages are kept")


def test_what_fails_says_why_in_its_status(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 3, 2, 5)))
    case = begun(tmp_path / "a", CaseConfig(str(tmp_path / "x.npy"), kind="features"))
    with pytest.raises(InputError) as problem:
        execute(case)
    assert case.status.state == "failed"
    assert case.status.message == str(problem.value).splitlines()[0]


def test_pictures_that_cannot_be_kept_are_not_called_finished(
    parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    case = begun(tmp_path / "case", CaseConfig(str(parquet), "label", workers=1, device="cpu"))
    with monkeypatch.context() as disk:
        disk.setattr("core.cases.views.write_view", full)
        with pytest.raises(OSError, match="No space left"):
            execute(case)
    assert (case.status.state, "look" in case.finished_stages) == ("failed", True)
    assert "pictures" not in case.finished_stages
    execute(case)
    assert case.status.state == "finished"


def test_an_archive_is_unpacked_beside_the_audit_and_read(tmp_path: Path) -> None:
    import zipfile

    rows, labels, _ = poisoned_features()
    np.save(tmp_path / "features.npy", rows)
    np.save(tmp_path / "labels.npy", labels)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
        for name in ("features.npy", "labels.npy"):
            packed.write(tmp_path / name, f"mine/{name}")
    case = begun(tmp_path / "a", CaseConfig(str(tmp_path / "set.zip"), workers=1, device="cpu"))
    with pytest.raises(Cancelled):
        execute(case, Stop("look"))
    data = case.read_json("data.json")
    assert data["path"] == str(case.file("unpacked") / "mine" / "features.npy")
    assert data["notes"][0] == "set.zip was unpacked beside the audit."
    assert data["rows"] == len(rows)


# --- as it is called


def in_a_process(*words: object) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        env=dict(os.environ),
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_audit_in_a_process_is_silent_on_stderr_and_says_what_it_found(parquet: Path, tmp_path: Path) -> None:
    outcome = in_a_process("audit", parquet, "label", "--out", tmp_path / "audit", "--workers", 1, "--device", "cpu")
    assert (outcome.status, outcome.err) == (0, "")
    assert "looks poisoned" in outcome.out
    assert "not looked at: the images themselves" in outcome.out
    assert {"findings.csv", "removed.npy", "summary.json", "rows.parquet"} <= {
        one.name for one in (tmp_path / "audit").iterdir()
    }


def test_an_audit_is_not_written_over_something_else(
    parquet: Path, features_case: CaseFolder, tmp_path: Path, cli
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    check_refused(cli("audit", parquet, "label", "--out", tmp_path / "full"), "is not empty, and holds no audit")
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["thesis.txt"]
    check_refused(cli("audit", parquet, "--out", features_case.path), "holds an audit with other settings")


def test_what_cannot_be_read_leaves_nothing_behind(parquet: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    check_refused(cli("audit", tmp_path / "nothing", "--out", tmp_path / "new"), "does not exist")
    check_refused(cli("audit", parquet, "nolabel", "--out", tmp_path / "empty"), "nolabel does not exist")
    missing = cli("audit", parquet, "label", "--label", "unicorn", "--out", tmp_path / "new")
    check_refused(missing, "no row has label unicorn; the labels are: ")
    assert sorted(tmp_path.rglob("*")) == before
