"""What an audit says of ordinary data, drawn with the right answer beside it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audit.scanning import Scan, scan, summarise
from core.audit.verdict import LEVEL, _rate
from tests.helpers import global_generators

CLASSES, ROWS, D = 5, 150, 16
SCALE = np.linspace(3, 0.3, D)


class Drawn:
    """Gaussian classes with a falling spectrum, and what is added to them. `what` names each row's kind."""

    def __init__(self, seed: int = 0, classes: int = CLASSES, rows: int = ROWS) -> None:
        self.draw = np.random.default_rng(seed)
        self.centres = 5 * self.draw.standard_normal((classes, D))
        self.x = np.concatenate([self.ordinary(c, rows) for c in range(classes)])
        self.y = np.repeat(np.arange(classes), rows)
        self.what = np.full(len(self.y), "", dtype="U12")

    def ordinary(self, c: int, n: int) -> np.ndarray:
        return self.draw.standard_normal((n, D)) * SCALE + self.centres[c]

    def add(self, c: int, rows: np.ndarray, what: str) -> Drawn:
        self.x = np.concatenate([self.x, rows])
        self.y = np.append(self.y, np.full(len(rows), c))
        self.what = np.append(self.what, np.full(len(rows), what, dtype="U12"))
        return self

    def poison(self, c: int, n: int) -> Drawn:
        shift = np.r_[np.zeros(D - 4), np.full(4, 3.5)]
        return self.add(c, self.draw.standard_normal((n, D)) * SCALE / 2 + shift + self.centres[c], "poison")

    def errors(self, c: int, sources: list[int]) -> Drawn:
        return self.add(c, np.concatenate([self.ordinary(o, 1) for o in sources]), "label-error")

    def broken(self, c: int, times: float) -> Drawn:
        return self.add(c, self.ordinary(c, 1) * times, "broken")

    def copies(self, c: int, n: int, spread: float) -> Drawn:
        row = self.x[np.flatnonzero(self.y == c)[0]]
        return self.add(c, row + spread * SCALE * self.draw.standard_normal((n, D)), "copy")

    def group(self, c: int, n: int) -> Drawn:
        return self.add(c, self.ordinary(c, n) + 2.2 * SCALE, "second-group")

    def scan(self, **options: object) -> Scan:
        return scan(self.x.astype(np.float32), self.y, 15, **options)  # type: ignore[arg-type]


def told(found: Scan, n: int) -> np.ndarray:
    """The kind that the findings give each row, empty where none does."""
    kinds = np.full(n, "", dtype="U12")
    for finding in found.findings:
        kinds[finding.rows] = finding.kind
    return kinds


CASES = {
    "clean": (lambda: Drawn(), []),
    "one poisoned class": (lambda: Drawn().poison(3, 15), [3]),
    "two poisoned classes": (lambda: Drawn().poison(3, 15).poison(1, 15), [1, 3]),
    "three of five": (lambda: Drawn().poison(3, 15).poison(1, 15).poison(0, 15), [0, 1, 3]),
    "three classes in all": (lambda: Drawn(classes=3).poison(1, 15), [1]),
    "zeros": (lambda: Drawn().poison(3, 15).broken(2, 0), [3]),
    "a thousand times too large": (lambda: Drawn().broken(2, 1000), []),
    "half precision overflowed": (lambda: Drawn().add(2, np.full((1, D), 65504.0), "broken").poison(3, 15), [3]),
    "scattered label errors": (lambda: Drawn().errors(2, [0, 1, 3, 4, 1]), []),
    "copies": (lambda: Drawn().copies(2, 20, 0.0), []),
    "a track": (lambda: Drawn().copies(2, 20, 0.04), []),
    "one mistake many times": (lambda: Drawn().errors(2, [4] * 20), []),
    "a second group": (lambda: Drawn().group(2, 70), []),
    "all of it": (lambda: Drawn().poison(3, 15).errors(3, [0, 1, 2]).broken(2, 0).copies(1, 20, 0.0), [3]),
    "poison in most of a class": (lambda: Drawn().poison(3, 600), [3]),
}
# What these hold is in "three of five", "zeros" and "all of it" too.
IN_OTHERS = ("one poisoned class", "two poisoned classes", "three classes in all", "copies")


@functools.cache
def scanned(case: str) -> tuple[Drawn, Scan]:
    """Not to be changed: several tests look at it."""
    drawn = CASES[case][0]()
    return drawn, drawn.scan()


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in IN_OTHERS else case for case in CASES]
)
def test_every_row_gets_its_kind(case: str) -> None:
    poisoned = CASES[case][1]
    drawn, found = scanned(case)
    assert sorted(found.suspects) == poisoned
    kinds = told(found, len(drawn.y))
    wrong = np.flatnonzero(kinds != drawn.what)
    assert len(wrong) <= 2, [(int(i), drawn.what[i], kinds[i]) for i in wrong[:10]]
    poison = drawn.what == "poison"
    if case == "poison in most of a class":
        assert not found.removed.any(), "the clean rest is not removed quietly, nor is the class"
        assert drawn.scan(label=3).removed[poison].all()
    else:
        assert (found.removed & ~poison).sum() <= 2
        assert (poison & ~found.removed).sum() <= 2


def test_the_source_of_a_label_error_is_named() -> None:
    _, found = scanned("scattered label errors")
    (finding,) = found.findings
    assert (finding.label, finding.kind) == (2, "label-error")
    assert finding.nearest.tolist() == [0, 1, 3, 4, 1]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2, 3))])
def test_a_shift_that_chance_explains_makes_no_poison_of_label_errors(seed: int) -> None:
    """The mean of few rows is far from the centre of their class in many dimensions, by chance alone."""
    drawn = Drawn(seed).errors(2, [4] * 9)
    found = drawn.scan()
    assert found.suspects == []
    assert set(told(found, len(drawn.y))[drawn.what == "label-error"]) == {"label-error"}


@settings(deadline=None, max_examples=2)
@given(
    seed=st.integers(0, 10_000),
    harms=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.one_of(
                st.just(("zeros", 0.0)),
                st.tuples(st.just("times"), st.floats(100, 1e5)),
                st.tuples(st.just("copies"), st.integers(1, 60)),
                st.just(("saturated", 65504.0)),
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_broken_rows_and_copies_change_no_other_finding(seed: int, harms: list[tuple[int, tuple[str, float]]]) -> None:
    without, with_them = (Drawn(seed, classes=3, rows=60).poison(2, 8).errors(1, [0, 2]) for _ in range(2))
    for label, (what, size) in harms:
        if what == "copies":
            with_them.copies(label, int(size), 0.0)
        elif what == "saturated":
            with_them.add(label, np.full((1, D), size), "broken")
        else:
            with_them.broken(label, size)
    expected, found = without.scan(), with_them.scan()
    others = [finding for finding in found.findings if finding.kind not in ("broken", "copy")]
    assert [(f.label, f.kind, f.rows.tolist()) for f in others] == [
        (f.label, f.kind, f.rows.tolist()) for f in expected.findings
    ]
    assert {r.label: (r.k, r.objective) for r in found.results} == {
        r.label: (r.k, r.objective) for r in expected.results
    }
    added = {*range(len(without.y), len(with_them.y))}
    odd = {int(row) for finding in found.findings if finding.kind in ("broken", "copy") for row in finding.rows}
    assert odd >= added


@pytest.mark.parametrize("repeated", [0, 30])
@pytest.mark.parametrize("classes", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_track_of_many_features_is_copies(classes: int, repeated: int) -> None:
    """Its frames lead a principal component, in which an ordinary row is then far out. One frame may come again as it is."""
    draw = np.random.default_rng(3)
    scale = np.geomspace(3, 0.3, 512)
    centres = 3 * draw.standard_normal((classes, 512))
    labels = np.repeat(np.arange(classes), 100)
    rows = draw.standard_normal((len(labels), 512)) * scale + centres[labels]
    frames = rows[0] + 0.05 * draw.standard_normal((30, 512)) * scale
    frames = np.concatenate([frames, np.repeat(frames[-1:], repeated, 0)])
    found = scan(np.concatenate([rows, frames]).astype(np.float32), np.append(labels, np.zeros(len(frames), int)), 10)
    assert found.suspects == []
    assert found.aside.copies.tolist() == list(range(len(labels), len(labels) + len(frames)))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2))])
def test_features_that_are_mostly_zero_accuse_nobody(seed: int) -> None:
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), 150)
    centres = 4 * draw.standard_normal((6, 24))
    rows = np.maximum(draw.standard_normal((len(labels), 24)) * np.linspace(3, 0.5, 24) + centres[labels], 0)
    assert (rows == 0).mean() > 0.4
    assert scan(rows.astype(np.float32), labels, 10).suspects == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_the_same_rows_are_accused_at_every_call(seed: int) -> None:
    drawn = Drawn(seed, classes=12, rows=30).poison(3, 6)
    before = global_generators()
    assert drawn.scan().suspects == [3]
    assert global_generators() == before


def test_classes_with_few_rows_lean_on_all_and_it_is_said() -> None:
    drawn = Drawn(classes=12, rows=30).poison(3, 6)
    found = drawn.scan()
    assert found.suspects == [3]
    summary = summarise(found)
    assert {record["pooled_weight"] for record in summary["classes"]} == {round(D / 30, 3), round(D / 36, 3)}
    assert any("leans on that of all classes" in note for note in summary["notes"])
    assert not any("leans" in note for note in summarise(scanned("clean")[1])["notes"])


def test_one_class_alone_can_be_judged() -> None:
    drawn = Drawn(classes=1, rows=400).poison(0, 40)
    found = drawn.scan()
    assert found.suspects == [0]
    assert Drawn(classes=1, rows=400).scan().suspects == []


def test_a_scan_tells_its_level() -> None:
    assert Drawn(classes=2).scan().level == LEVEL


def test_two_triggers_from_one_class_are_one_finding() -> None:
    """Both groups are parts of the rows that lie with that class: told twice they would be counted twice."""
    rng = np.random.default_rng(0)
    rows = (6 * rng.normal(size=(5, 24))).repeat(400, 0) + rng.normal(size=(2000, 24))
    labels = np.repeat(np.arange(5), 400)
    labels[:100] = 1
    for part, far in ((slice(0, 60), 25.0), (slice(60, 100), 40.0)):
        direction = rng.normal(size=24)
        rows[part] += far * direction / np.linalg.norm(direction)
    found = scan(rows, labels, 60, workers=1)
    assert [(one.kind, one.label, len(one.rows)) for one in found.findings] == [("poison", 1, 100)]
    assert found.removed.sum() == 100


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_few_values_are_judged_without_an_error(seed: int) -> None:
    """Columns of 0 and 1, or mostly zero: equal rows, no scale, classes without spread."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.choice([60, 150, 300])), int(rng.integers(1, 8))
    rows = (rng.random((n, d)) < rng.choice([0.02, 0.1, 0.5])).astype(np.float32)
    if seed % 2:
        rows *= rng.random((n, 1), np.float32)
    found = scan(rows, np.arange(n) % int(rng.integers(1, 4)), 5, workers=1)
    assert len(found.removed) == n


def test_without_a_control_that_has_tails_a_class_is_judged_as_if_alone() -> None:
    """Controls without a single row beyond the start say nothing: they must not make the slowest tails of all."""
    assert _rate([{0: (40, 10), 1: (0, 0)}], [1], 0) == pytest.approx(1.0)
    assert _rate([{0: (40, 10), 1: (40, 5), 2: (0, 0)}], [1, 2], 0) > 1.0


def test_controls_of_which_the_leading_view_says_nothing_are_measured_by_the_others() -> None:
    nothing, measured = {0: (40, 10), 1: (0, 0)}, {0: (40, 10), 1: (40, 5)}
    assert _rate([nothing, measured], [1], 0) == _rate([measured], [1], 0) > _rate([nothing], [1], 0)


@pytest.mark.parametrize("seed", range(3))
def test_clean_classes_that_are_asked_in_one_direction_are_controls(seed: int) -> None:
    """Of few columns clean classes choose k = 1; how their tails fall is known all the same."""
    rng = np.random.default_rng(seed)
    rows, labels = rng.standard_normal((400, 12)), np.repeat([0, 1], 200)
    rows[200:, 5] += 10
    rows[:20, 3] += 9
    found = scan(rows, labels, 20, workers=1)
    assert found.suspects == [0]
    assert found.removed[:20].all()
