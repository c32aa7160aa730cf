from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from core.audit import filtering
from core.audit.readers import base, read_features
from core.audit.scanning import scan
from core.defenses import DEFENSES, SpectralSignatures, Spectre
from core.foundation.catalogue import Catalogue
from core.foundation.errors import InputError
from core.foundation.params import param
from tests.helpers import anisotropic
from tests.makers import Outcome, check_refused

Cli = Callable[..., Outcome]
DATA = anisotropic(200, 12, 10, strength=8.0)
KEYS = ("method", "k", "n", "d", "removed", "objective", "rounds", "seconds", "device")


@pytest.fixture
def features(tmp_path: Path) -> Path:
    np.save(tmp_path / "features.npy", DATA.rows)
    return tmp_path / "features.npy"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def read(out: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    scores, removed = (np.load(out / name, allow_pickle=False) for name in ("scores.npy", "removed.npy"))
    return scores, removed, json.loads((out / "summary.json").read_text())


@pytest.mark.parametrize("method", list(DEFENSES))
def test_a_good_file_gives_scores_removals_and_a_summary(method: str, features: Path, out: Path, cli: Cli) -> None:
    outcome = cli("filter", features, "--poisons", 10, "--method", method, "--device", "cpu", "--out", out)
    assert (outcome.status, outcome.err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["findings.csv", "removed.npy", "scores.npy", "summary.json"]
    scores, removed, summary = read(out)
    assert (scores.shape, scores.dtype) == ((200,), np.float64)
    assert (removed.shape, removed.dtype) == ((200,), bool)
    assert set(KEYS) <= set(summary)
    assert (summary["method"], summary["n"], summary["d"]) == (method, 200, 12)
    assert summary["removed"] == removed.sum() > 0
    expected = filtering.make_defense(method, 10, 4.0, "auto", "cpu").fit(DATA.rows)
    np.testing.assert_allclose(scores, expected.scores_)
    np.testing.assert_array_equal(removed, expected.removed_)
    assert scores[removed].min() > scores[~removed].max(), "True means remove"


def test_spectre_finds_the_poison_and_tells_its_story(features: Path, out: Path, cli: Cli) -> None:
    outcome = cli("filter", features, "--poisons", 10, "--out", out)
    _, removed, summary = read(out)
    assert removed[DATA.poison].all()
    assert removed.sum() == 15
    assert str(summary["k"]) in summary["objective"]
    assert summary["objective"][str(summary["k"])] == max(summary["objective"].values())
    assert {"reason", "rows", "dropped", "eigenvalue", "threshold"} <= set(summary["rounds"][0])
    assert summary["parameters"]["alpha"] == 4.0
    assert summary["seconds"] >= 0
    assert "15 of 200 rows look poisoned" in " ".join(outcome.out.split())
    assert f"written to {out}" in outcome.out


def test_a_file_of_another_kind_of_number_gives_the_same(tmp_path: Path, out: Path, cli: Cli) -> None:
    whole = (DATA.rows * 1000).round()
    results = []
    for kind in (">f8", "<f4", "<i4"):
        np.save(tmp_path / "x.npy", np.asfortranarray(whole).astype(kind))
        assert cli("filter", tmp_path / "x.npy", "--poisons", 10, "--out", out).status == 0
        results.append(read(out)[1])
    for removed in results[1:]:
        np.testing.assert_array_equal(removed, results[0])


def test_the_file_of_features_is_not_changed(features: Path, out: Path, cli: Cli) -> None:
    before = features.read_bytes()
    cli("filter", features, "--poisons", 10, "--out", out)
    assert features.read_bytes() == before


def test_no_poisons_is_valid_and_removes_nothing(features: Path, out: Path, cli: Cli) -> None:
    outcome = cli("filter", features, "--poisons", 0, "--out", out)
    assert (outcome.status, outcome.err) == (0, "")
    scores, removed, summary = read(out)
    assert not removed.any()
    assert summary["removed"] == 0
    assert np.isfinite(scores).all()
    assert "nothing is removed" in " ".join(outcome.out.split())


@pytest.mark.parametrize("k", ["3", "12"])
def test_k_is_what_was_asked_for(k: str, features: Path, out: Path, cli: Cli) -> None:
    assert cli("filter", features, "--poisons", 10, "--k", k, "--out", out).status == 0
    summary = read(out)[2]
    assert summary["k"] == int(k)
    assert list(summary["objective"]) == [k]


def test_alpha_is_what_was_asked_for(features: Path, out: Path, cli: Cli) -> None:
    assert cli("filter", features, "--poisons", 10, "--alpha", 0, "--k", 12, "--out", out).status == 0
    scores = read(out)[0]
    expected = filtering.make_defense("spectre", 10, 0.0, "12", "cpu").fit(DATA.rows).scores_
    default = filtering.make_defense("spectre", 10, 4.0, "12", "cpu").fit(DATA.rows).scores_
    np.testing.assert_allclose(scores, expected)
    assert not np.allclose(scores, default)


def test_a_second_run_replaces_the_first(features: Path, out: Path, cli: Cli) -> None:
    cli("filter", features, "--poisons", 10, "--out", out)
    cli("filter", features, "--poisons", 4, "--out", out)
    assert read(out)[1].sum() == read(out)[2]["removed"] == 6


def save(array: np.ndarray) -> Callable[[Path], Any]:
    return lambda path: np.save(path, array, allow_pickle=array.dtype.hasobject)


def with_bad_value(value: float) -> np.ndarray:
    rows = DATA.rows.copy()
    rows[[17, 90], [3, 5]] = value
    return rows


def archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=DATA.rows, b=DATA.rows)


def cut_short(path: Path) -> None:
    np.save(path, DATA.rows)
    path.write_bytes(path.read_bytes()[:-100])


BAD_FILES: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "one dimension": (save(np.zeros(5)), ("table of shape (rows, features), not (5,)",)),
    "three dimensions": (save(np.zeros((5, 2, 2))), ("not (5, 2, 2)",)),
    "no dimension": (save(np.array(3.0)), ("not ()",)),
    "NaN": (save(with_bad_value(np.nan)), ("row 17 has a value that is not finite", "2 such row")),
    "infinity": (save(with_bad_value(-np.inf)), ("row 17 has a value that is not finite",)),
    "0 rows": (save(np.zeros((0, 5))), ("0 row(s) and 5 column(s)", "at least 2 rows")),
    "0 columns": (save(np.zeros((5, 0))), ("5 row(s) and 0 column(s)",)),
    "1 row": (save(np.zeros((1, 5))), ("1 row(s)", "at least 2 rows")),
    "equal rows": (save(np.ones((50, 5))), ("all rows are equal",)),
    "words": (save(np.full((50, 5), "a")), ("must be numbers",)),
    "complex numbers": (save(np.zeros((50, 5), complex)), ("must be numbers, not complex128",)),
    "pickled objects": (
        save(np.array([[{}, 1]] * 9, object)),
        ("x.npy holds pickled objects, which are never loaded",),
    ),
    "missing": (lambda path: None, ("x.npy does not exist",)),
    "folder": (lambda path: path.mkdir(), ("x.npy is a folder without a table in it",)),
    "text": (lambda path: path.write_text("1,2\n3,4\n"), ("x.npy is not a readable .npy file",)),
    "0 bytes": (lambda path: path.touch(), ("x.npy is empty (0 bytes)",)),
    "archive": (
        archive,
        ("x.npy holds several tables of numbers: a (200 x 12 float64), b (200 x 12 float64)", "--column a"),
    ),
    "cut short": (cut_short, ("x.npy is not a readable .npy file",)),
    "a zip's first bytes": (
        lambda path: path.write_bytes(b"PK\x03\x04rubbish"),
        ("x.npy is not a readable .npy file",),
    ),
}


@pytest.mark.parametrize(("make", "words"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_in_one_line_and_nothing_is_written(
    make: Callable[[Path], Any], words: tuple[str, ...], tmp_path: Path, out: Path, cli: Cli
) -> None:
    make(tmp_path / "x.npy")
    check_refused(cli("filter", tmp_path / "x.npy", "--poisons", 2, "--out", out), *words)
    assert not out.exists()


BAD_OPTIONS: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "poisons negative": (["--poisons", -1], ("-1 poisons: the count cannot be negative",)),
    "poisons over half": (["--poisons", 101], ("101 poisons are more than half of the 200 rows; give at most 100",)),
    "poisons in words": (["--poisons", "ten"], ("--poisons", "whole number")),
    "poisons missing": ([], ("--poisons",)),
    "k too large": (["--poisons", 5, "--k", 13], ("k = 13", "lower k")),
    "k zero": (["--poisons", 5, "--k", 0], ("n_components = 0 must be at least 1",)),
    "k in words": (["--poisons", 5, "--k", "many"], ("n_components = many is not a whole number",)),
    "k for one component": (["--poisons", 5, "--method", "spectral", "--k", 3], ("leave --k at auto",)),
    "unknown method": (["--poisons", 5, "--method", "prayer"], ("unknown defense 'prayer'; choose from: spectre",)),
    "alpha negative": (["--poisons", 5, "--alpha", -1], ("alpha = -1.0 must be between 0 and 100",)),
    "alpha not a number": (["--poisons", 5, "--alpha", "nan"], ("alpha is not a number",)),
    "unknown device": (["--poisons", 5, "--device", "abacus"], ("device 'abacus' is not one of auto, cpu",)),
    "no threads": (["--poisons", 5, "--threads", 0], ("--threads",)),
    "unknown option": (["--poisons", 5, "--colour", "red"], ("--colour", "--help")),
}


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_a_bad_option_is_refused_in_one_line_and_nothing_is_written(
    options: list[Any], words: tuple[str, ...], features: Path, out: Path, cli: Cli
) -> None:
    check_refused(cli("filter", features, *options, "--out", out), *words)
    assert not out.exists()


def test_half_the_rows_is_still_a_valid_number_of_poisons(features: Path, out: Path, cli: Cli) -> None:
    assert cli("filter", features, "--poisons", 100, "--method", "spectral", "--out", out).status == 0


def test_an_out_that_is_a_file_is_refused_and_kept(features: Path, out: Path, cli: Cli) -> None:
    out.write_text("precious")
    check_refused(cli("filter", features, "--poisons", 5, "--out", out), "out is a file; --out must be a folder")
    assert out.read_text() == "precious"


def test_an_out_below_a_file_is_refused(features: Path, out: Path, cli: Cli) -> None:
    out.write_text("precious")
    check_refused(cli("filter", features, "--poisons", 5, "--out", out / "below"), "out")


@pytest.mark.parametrize("which", ["features", "out"])
def test_a_name_too_long_for_the_disk_is_refused(which: str, features: Path, out: Path, cli: Cli) -> None:
    paths = {"features": features, "out": out}
    paths[which] = paths[which].with_name("x" * 300)
    check_refused(cli("filter", paths["features"], "--poisons", 5, "--out", paths["out"]), "xxx")


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(
    features: Path, out: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_BYTES", 1000)
    check_refused(cli("filter", features, "--poisons", 5, "--out", out), "GiB")


def test_features_are_not_read_into_memory_before_they_are_checked(features: Path) -> None:
    assert isinstance(read_features(features).rows, np.memmap)


def test_loading_never_unpickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[Any] = []
    load = np.load

    def recorded(*args: Any, **kwargs: Any) -> Any:
        flags.append(kwargs.get("allow_pickle", False))
        return load(*args, **kwargs)

    monkeypatch.setattr(np, "load", recorded)
    np.save(tmp_path / "x.npy", np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(InputError):
        read_features(tmp_path / "x.npy")
    assert flags == [False]


# --- the number of poisons left open


def test_auto_estimates_the_number_and_says_so(features: Path, out: Path, cli: Cli) -> None:
    outcome = cli("filter", features, "--poisons", "auto", "--device", "cpu", "--out", out)
    assert outcome.status == 0
    assert "the number of poisons was estimated" in outcome.out
    summary = json.loads((out / "summary.json").read_text())
    guess = summary["estimate"]
    assert guess["low"] <= guess["poisons"] <= guess["high"]
    assert summary["parameters"]["n_poisons"] == guess["poisons"]
    assert summary["removed"] == round(1.5 * guess["poisons"])
    assert "estimated" in summary["warnings"][0]


def test_a_number_that_was_given_is_not_called_an_estimate(features: Path, out: Path, cli: Cli) -> None:
    outcome = cli("filter", features, "--poisons", 5, "--device", "cpu", "--out", out)
    assert "estimated" not in outcome.out
    assert json.loads((out / "summary.json").read_text())["estimate"] is None


@pytest.mark.parametrize("k", ["1", "4", "auto"])
def test_auto_counts_the_groups_that_stand_apart_where_the_scores_show_none(
    k: str, tmp_path: Path, out: Path, cli: Cli
) -> None:
    """The group lies in the last column, which no small k sees."""
    rows = np.random.default_rng(0).normal(size=(400, 12)) * np.linspace(6, 1, 12)
    rows[:40, -1] += 12
    np.save(tmp_path / "x.npy", rows)
    outcome = cli("filter", str(tmp_path / "x.npy"), "--poisons", "auto", "--k", k, "--out", str(out))
    assert outcome.status == 0, outcome.err
    assert json.loads((out / "summary.json").read_text())["estimate"]["poisons"] == 40


def test_auto_without_a_second_group_is_refused_and_nothing_is_written(tmp_path: Path, out: Path, cli: Cli) -> None:
    np.save(tmp_path / "clean.npy", np.random.default_rng(0).standard_normal((400, 8)))
    outcome = cli("filter", tmp_path / "clean.npy", "--poisons", "auto", "--device", "cpu", "--out", out)
    check_refused(outcome, "no second group of rows")
    assert not out.exists()


def test_poisons_that_are_no_number_are_refused(features: Path, out: Path, cli: Cli) -> None:
    check_refused(
        cli("filter", features, "--poisons", "many", "--out", out),
        "neither a whole number, nor a share as 2%, nor auto",
    )
    assert not out.exists()


# --- broken rows and copies


@pytest.mark.parametrize("method", list(DEFENSES))
@pytest.mark.parametrize("harm", ["half precision overflowed", "zeros", "equal rows"])
def test_broken_rows_and_copies_change_no_other_row(
    harm: str, method: str, features: Path, tmp_path: Path, out: Path, cli: Cli
) -> None:
    more = {"half precision overflowed": np.full((1, 12), 65504.0), "zeros": np.zeros((3, 12))}
    rows = more.get(harm, DATA.rows[[4] * 100])
    np.save(tmp_path / "more.npy", np.concatenate([DATA.rows, rows]))
    assert cli("filter", features, "--poisons", 10, "--method", method, "--out", tmp_path / "plain").status == 0
    outcome = cli("filter", tmp_path / "more.npy", "--poisons", 10, "--method", method, "--out", out)
    assert (outcome.status, outcome.err) == (0, "")
    expected, found = read(tmp_path / "plain"), read(out)
    np.testing.assert_allclose(found[0][:200], expected[0])
    np.testing.assert_array_equal(found[1][:200], expected[1])
    assert not found[1][200:].any(), "none of them is poison"
    assert np.isfinite(found[0]).all()
    aside = found[2]["set_aside"]
    assert [entry["row"] for entry in aside["broken"] + aside["copies"]] == list(range(200, 200 + len(rows)))
    assert "set aside" in outcome.out
    kinds = {finding["kind"]: finding["rows"] for finding in found[2]["findings"]}
    assert kinds.get("copy" if harm == "equal rows" else "broken") == len(rows)


def test_findings_are_told_row_by_row(features: Path, tmp_path: Path, out: Path, cli: Cli) -> None:
    np.save(tmp_path / "more.npy", np.concatenate([DATA.rows, np.zeros((1, 12)), DATA.rows[[4] * 3]]))
    outcome = cli("filter", tmp_path / "more.npy", "--poisons", 10, "--out", out)
    summary = read(out)[2]
    assert [(finding["kind"], finding["label"]) for finding in summary["findings"]] == [
        ("poison", None),
        ("copy", None),
        ("broken", None),
    ]
    assert f"poison: {summary['findings'][0]['in_words']}" in outcome.out
    with (out / "findings.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    rows = {kind: [int(line["row"]) for line in lines if line["kind"] == kind] for kind in ("poison", "copy", "broken")}
    assert rows == {"poison": np.flatnonzero(DATA.poison).tolist(), "copy": [201, 202, 203], "broken": [200]}
    assert {line["label"] for line in lines} == {""}


def test_filter_and_a_scan_of_one_class_find_the_same(features: Path, out: Path, cli: Cli) -> None:
    assert cli("filter", features, "--poisons", 10, "--out", out).status == 0
    found = scan(DATA.rows, np.zeros(len(DATA.rows), int), 10)
    (ours,) = read(out)[2]["findings"]
    (theirs,) = [finding.as_json() for finding in found.findings]
    assert {**ours, "label": 0, "p_value": None} == {**theirs, "p_value": None}


def test_a_share_of_the_rows_is_as_good_as_a_number(features: Path, tmp_path: Path, cli: Cli) -> None:
    for name, poisons in (("share", "5%"), ("number", "10")):
        assert cli("filter", features, "--poisons", poisons, "--out", tmp_path / name).status == 0
    share, number = read(tmp_path / "share"), read(tmp_path / "number")
    np.testing.assert_array_equal(share[1], number[1])
    assert share[2]["parameters"] == number[2]["parameters"]


def test_the_estimate_does_not_see_them(features: Path, tmp_path: Path, out: Path, cli: Cli) -> None:
    np.save(tmp_path / "more.npy", np.concatenate([DATA.rows, np.full((1, 12), 65504.0), DATA.rows[[4] * 50]]))
    for name, where in (("x", features), ("more", tmp_path / "more.npy")):
        assert cli("filter", where, "--poisons", "auto", "--out", tmp_path / name).status == 0
    one, other = (read(tmp_path / name)[2]["estimate"] for name in ("x", "more"))
    assert [one[key] for key in ("poisons", "low", "high", "chosen")] == [
        other[key] for key in ("poisons", "low", "high", "chosen")
    ]


def test_an_option_of_another_method_is_refused(features: Path, out: Path, cli: Cli) -> None:
    given = ("filter", str(features), "--poisons", "5", "--method", "clustering", "--out", str(out))
    check_refused(cli(*given, "--alpha", "9"), "method clustering has no alpha")
    assert not out.exists()


def test_any_parameter_of_the_method_can_be_set(features: Path, out: Path, cli: Cli) -> None:
    twice = ("--set", "defense.removal_factor=2")
    assert cli("filter", features, "--poisons", 10, "--method", "spectral", *twice, "--out", out).status == 0
    _, removed, summary = read(out)
    assert (removed.sum(), summary["parameters"]["removal_factor"]) == (20, 2.0)
    by_size = ("--set", "defense.rule=size", "--set", "defense.size_threshold=0.01")
    assert cli("filter", features, "--poisons", 10, "--method", "clustering", *by_size, "--out", out).status == 0
    assert not read(out)[1].any(), "the smaller cluster holds more than 1 % of the rows"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("defense.n_poisons=3", "defense.n_poisons is set by --poisons"),
        ("defense.alpha=3", "defense.alpha is set by --alpha"),
        ("defense.n_components=3", "defense.n_components is set by --k"),
        ("defense.device=cpu", "defense.device is set by --device"),
        ("defense.nothing=3", "nothing"),
        ("defense.tail=both", "tail"),
        ("attack.size=3", "--set attack.size=3 would change nothing here; only defense can be set"),
        ("tail", "--set tail is not of the form GROUP.NAME=VALUE"),
    ],
)
def test_a_setting_that_is_none_is_one_line(setting: str, words: str, features: Path, out: Path, cli: Cli) -> None:
    check_refused(cli("filter", features, "--poisons", 10, "--set", setting, "--out", out), words)
    assert not out.exists()


def test_a_setting_that_would_do_nothing_is_one_line(features: Path, out: Path, cli: Cli) -> None:
    asked = ("--method", "clustering", "--set", "defense.size_threshold=0.2")
    outcome = cli("filter", features, "--poisons", 10, *asked, "--out", out)
    check_refused(outcome, "defense.size_threshold does nothing with defense.rule = smaller")


@dataclass(eq=False, repr=False)
class Sharp(SpectralSignatures):
    """A method of somebody's own whose alpha is not SPECTRE's."""

    key: ClassVar[str] = "sharp"
    title: ClassVar[str] = "Sharp"
    alpha: float = param(2.0, "Its own sharpness", low=0, high=9)


def test_an_alpha_of_another_method_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "DEFENSES", Catalogue("defense", Spectre, Sharp))
    made = filtering.make_defense("sharp", 5, 4.0, "auto", "cpu", {"alpha": "3.5"})
    assert made.get_params()["alpha"] == 3.5
    with pytest.raises(InputError, match="set by --alpha"):
        filtering.make_defense("spectre", 5, 4.0, "auto", "cpu", {"alpha": "3.5"})
