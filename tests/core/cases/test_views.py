"""One class as pictures, and where the rows of a look lie."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.audit.readers import read_features
from core.audit.scanning import CAP, MIN_ROWS
from core.cases import looks
from core.cases.class_view import has_view, read_view, write_view
from core.cases.folder import CaseFolder
from core.cases.looks import keep_features, table_of
from core.cases.space import Look, Space, space_of
from core.cases.views import ladder, make_view, picture
from core.defenses import Spectre
from core.foundation.errors import InputError
from tests.helpers import contaminated

LOOK = Look(0, "")
DATA = contaminated(160, 12, 10, strength=8.0)


# --- the ladder


def test_the_ladder_holds_the_assumed_number_and_what_a_class_can_carry() -> None:
    assert ladder(8, 1000) == ([2, 4, 8, 16, 32], 2)
    assert ladder(1, 1000) == ([1, 2, 4], 0)
    assert ladder(0, 1000) == ([1, 2, 4], 0)
    most = int(CAP * 100)
    assert ladder(90, 100)[0][-1] == most
    numbers, own = ladder(90, 100)
    assert numbers[own] == most
    assert len(set(numbers)) == len(numbers)


# --- a class


@pytest.fixture(scope="module")
def view():
    return make_view(DATA.rows, np.arange(len(DATA.rows)), 3, 10, wide=True, device="cpu")


def test_scores_are_those_of_spectre_fitted_alone_at_every_number_and_k(view) -> None:
    assert view.poisons.tolist() == ladder(10, len(DATA.rows))[0]
    for b, number in enumerate(view.poisons.tolist()):
        alone = Spectre(n_poisons=number, device="cpu").fit(DATA.rows)
        assert view.ks[view.chosen[b]] == alone.fit_.k
        np.testing.assert_allclose(view.scores[b, view.chosen[b]], alone.scores_, rtol=1e-4)
        assert np.array_equal(view.removed(b, int(view.chosen[b])), alone.removed_)
        tried = {candidate.k: candidate for candidate in alone.fit_.candidates}
        for c, k in enumerate(view.ks.tolist()):
            if k in tried:
                np.testing.assert_allclose(view.scores[b, c], tried[k].scores.cpu().numpy(), rtol=1e-4)
                assert view.objective[b, c] == pytest.approx(float(tried[k].objective), rel=1e-4)
            else:
                assert np.isnan(view.scores[b, c]).all()
                assert np.isnan(view.objective[b, c])
                assert np.isnan(view.robust[b, c]).all()


def test_the_planes_are_principal_components_in_deviations(view) -> None:
    centred = DATA.rows - DATA.rows.mean(0)
    first = np.linalg.svd(centred, full_matrices=False)[2][0]
    assert abs(np.corrcoef(view.raw[:, 0], centred @ first)[0, 1]) == pytest.approx(1, abs=1e-4)
    assert view.raw[:, 0].std() == pytest.approx(1, abs=1e-3)
    assert view.raw[:, 1].std() < 1
    np.testing.assert_allclose(view.naive.std(0), 1, atol=1e-3)


def test_without_other_numbers_there_is_one_fit(view) -> None:
    narrow = make_view(DATA.rows, np.arange(len(DATA.rows)), 3, 10, wide=False, device="cpu")
    assert narrow.poisons.tolist() == [10]
    own = view.assumed
    np.testing.assert_allclose(narrow.scores[0, narrow.chosen[0]], view.scores[own, view.chosen[own]], rtol=1e-4)


def test_some_rows_of_a_table_are_taken(view) -> None:
    table = np.concatenate([DATA.rows[:0], np.zeros((40, 12), np.float32), DATA.rows])
    moved = make_view(table, np.arange(40, len(table)), 3, 10, wide=False, device="cpu")
    assert moved.rows[0] == 40
    np.testing.assert_allclose(
        moved.scores[0, moved.chosen[0]], view.scores[view.assumed, view.chosen[view.assumed]], rtol=1e-4
    )


def test_one_row_that_is_far_away_leaves_no_infinite_place() -> None:
    rows = np.array(DATA.rows)
    rows[5] *= 1e6
    far = make_view(rows, np.arange(len(rows)), 3, 10, wide=False, device="cpu")
    assert np.isfinite(far.robust[0, far.chosen[0]]).all()


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="too few to picture"):
        make_view(DATA.rows, np.arange(MIN_ROWS - 1), 3, 1, wide=False)


@pytest.fixture
def case(tmp_path: Path) -> CaseFolder:
    (tmp_path / "a" / "look-0").mkdir(parents=True)
    return CaseFolder(tmp_path / "a")


def test_a_view_is_kept_and_read_again(case: CaseFolder, view) -> None:
    assert not has_view(case, LOOK, 3)
    write_view(case, LOOK, view)
    assert has_view(case, LOOK, 3)
    again = read_view(case, LOOK, 3)
    for name, value in vars(view).items():
        np.testing.assert_array_equal(getattr(again, name), value)


@pytest.mark.parametrize("how", ["cut", "noise", "other shape", "less", "scalar"])
def test_a_damaged_file_is_one_line(case: CaseFolder, view, how: str) -> None:
    write_view(case, LOOK, view)
    file = case.file("look-0/class-3.npz")
    values = {name: np.asarray(value) for name, value in vars(view).items()}
    if how == "cut":
        file.write_bytes(file.read_bytes()[:300])
    elif how == "noise":
        file.write_bytes(b"nothing of the kind")
    elif how == "other shape":
        np.savez(file, **(values | {"naive": values["naive"][:5], "chosen": values["chosen"][:1]}))
    elif how == "less":
        np.savez(file, **{name: value for name, value in values.items() if name != "ks"})
    else:
        np.savez(file, **(values | {"rows": np.asarray(3)}))
    with pytest.raises(InputError) as problem:
        read_view(case, LOOK, 3)
    assert "\n" not in str(problem.value)


# --- where the rows lie


def space_in(case: CaseFolder) -> Space:
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, 3, 90)) * 2  # 0, 2 and 4
    np.save(case.file("look-0/order.npy"), np.arange(90) * 3)  # rows 0, 3, 6, ... of the table were kept
    np.save(case.file("look-0/space.npy"), rng.normal(size=(90, 5)).astype(np.float16))
    np.save(case.file("look-0/margin.npy"), np.zeros(90, np.float32))
    np.save(case.file("look-0/nearest.npy"), np.zeros(90, np.int64))
    starts = np.searchsorted(labels, [0, 2, 4]).tolist()
    case.write_json("look-0/space.json", {"labels": [0, 2, 4], "starts": starts, "rows": 90})
    return space_of(case, LOOK)


def test_neighbours_are_those_of_brute_force(case: CaseFolder) -> None:
    space = space_in(case)
    vectors, place = np.asarray(space.vectors, np.float64), np.random.default_rng(1).normal(size=5)
    for i, label in enumerate(space.labels):
        found, far = space.neighbours(place, label, 4)
        members = range(space.starts[i], space.starts[i + 1])
        brute = sorted((float(np.sqrt(((vectors[m] - place) ** 2).sum())), int(space.order[m])) for m in members)[:4]
        assert found.tolist() == [row for _, row in brute]
        np.testing.assert_allclose(far, [distance for distance, _ in brute], rtol=1e-3)
    assert len(space.neighbours(place, 2, 1000)[0]) == space.starts[2] - space.starts[1]
    assert len(space.neighbours(place, 17, 4)[0]) == 0


def test_a_row_is_found_in_its_class_and_only_where_it_was_kept(case: CaseFolder) -> None:
    space = space_in(case)
    for i in (0, 40, 89):
        label = next(one for one in space.labels if i in range(space.piece(one).start, space.piece(one).stop))
        assert space.place(int(space.order[i]), label) == i
        assert space.place(int(space.order[i]) + 1, label) is None
    assert space.place(0, 17) is None


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"labels": [0], "starts": ["x"], "rows": 90},
        {"labels": [0], "starts": [0, 3], "rows": 90},
        {"labels": [0], "starts": [0], "rows": 3},
    ],
)
def test_files_that_do_not_fit_together_are_one_line(case: CaseFolder, told: dict) -> None:
    space_in(case)
    case.write_json("look-0/space.json", told)
    with pytest.raises(InputError, match=r"damaged|do not fit together"):
        space_of(case, LOOK)


# --- where the features are


def test_a_small_table_is_copied_and_a_large_one_is_found_again(
    case: CaseFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", DATA.rows)
    with read_features(tmp_path / "x.npy") as features:
        keep_features(case, LOOK, features)
    assert case.file("look-0/features.npy").is_file()
    case.file("look-0/features.npy").unlink()
    monkeypatch.setattr(looks, "KEPT", 100)
    with read_features(tmp_path / "x.npy") as features:
        keep_features(case, LOOK, features)
    assert not case.file("look-0/features.npy").exists()
    assert json.loads(case.file("look-0/source.json").read_text())["path"] == str(tmp_path / "x.npy")
    found = table_of(case, LOOK)
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, DATA.rows)
    np.save(tmp_path / "x.npy", DATA.rows[:-1])
    with pytest.raises(InputError, match=r"x.npy has changed since the audit"):
        table_of(case, LOOK)


def test_a_large_table_that_cannot_be_mapped_is_not_kept_and_that_is_said(
    case: CaseFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "KEPT", 100)
    np.savetxt(tmp_path / "x.csv", DATA.rows, delimiter=",")
    with read_features(tmp_path / "x.csv") as features:
        keep_features(case, LOOK, features)
    with pytest.raises(InputError, match="were not kept"):
        table_of(case, LOOK)


def test_a_picture_that_cannot_be_kept_is_shown_all_the_same(case: CaseFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    space_in(case)
    np.save(case.file("look-0/features.npy"), np.random.default_rng(0).normal(size=(270, 6)).astype(np.float32))

    def refuse(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr("core.cases.views.write_view", refuse)
    made = picture(case, LOOK, 2, 3, wide=False, device="cpu")
    assert made.rows.tolist() == space_of(case, LOOK).rows(2).tolist()
    assert not has_view(case, LOOK, 2)
    with pytest.raises(OSError, match="read-only"):
        picture(case, LOOK, 2, 3, wide=False, device="cpu", must_be_kept=True)
