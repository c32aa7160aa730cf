"""SPECTRE at every alpha and k, and the neighbours of every row."""

import math

import numpy as np
import pytest
import torch

from core.experiment.grid import ALPHAS, neighbour_table, score_grid
from core.robust import fit_spectre, objective_of, remove_top


@pytest.fixture(scope="module")
def fit():
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(300, 24, generator=generator, dtype=torch.float64) * torch.linspace(6, 0.5, 24)
    rows[:15, 20:] += 6.0
    return fit_spectre(rows, 15)


def test_the_grid_holds_the_scores_of_a_fit_at_that_alpha_and_k(fit):
    scores, about = score_grid(fit)
    assert scores.shape == (len(ALPHAS), len(fit.candidates), 300)
    assert scores.dtype == np.float32
    assert about["ks"] == [c.k for c in fit.candidates]
    for row, alpha in enumerate(ALPHAS[:-1]):
        for column, k in enumerate(about["ks"]):
            np.testing.assert_allclose(scores[row, column], fit.rescore(alpha, k).numpy(), rtol=1e-5)


def test_the_last_row_of_the_grid_looks_along_the_top_direction_alone(fit):
    scores, about = score_grid(fit)
    assert about["alphas"][-1] == "inf"
    best = fit.best
    along = best.whiten(fit.components.scores) @ best.que.directions[:, 0]
    np.testing.assert_allclose(scores[-1, fit.chosen], along.square().numpy(), rtol=1e-5)


def test_at_the_alpha_of_the_fit_the_objectives_are_those_by_which_k_was_chosen(fit):
    _, about = score_grid(fit)
    at = ALPHAS.index(fit.settings.alpha)
    np.testing.assert_allclose(about["objectives"][at], [c.objective for c in fit.candidates], rtol=1e-9)
    assert int(np.argmax(about["objectives"][at])) == fit.chosen


def test_at_another_alpha_the_objective_is_that_of_what_this_alpha_removes(fit):
    _, about = score_grid(fit, (math.inf,))
    column = next(i for i, k in enumerate(about["ks"]) if k > 1)
    squares = (fit.candidates[column].whiten(fit.components.scores) @ fit.candidates[column].que.directions[:, 0]) ** 2
    removed = remove_top(squares, round(1.5 * 15))
    wanted = objective_of(fit.components.scores[:, : fit.dimensions], removed, math.inf)
    assert about["objectives"][0][column] == pytest.approx(wanted)


def test_neighbours_are_the_nearest_other_rows_by_the_obvious_computation():
    points = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows, distances = neighbour_table(points, 4)
    x = points.numpy()
    for i in range(60):
        far = np.sqrt(((x - x[i]) ** 2).sum(1))
        far[i] = np.inf
        assert rows[i].tolist() == np.argsort(far)[:4].tolist()
        np.testing.assert_allclose(distances[i], np.sort(far)[:4], rtol=1e-5)


def test_a_handful_of_rows_has_as_many_neighbours_as_there_are_others():
    rows, distances = neighbour_table(torch.arange(6.0, dtype=torch.float64).reshape(3, 2))
    assert rows.shape == distances.shape == (3, 2)
