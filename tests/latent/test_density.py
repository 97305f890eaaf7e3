from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from bstviz.latent.density import density


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4_000, 2)) * [1.0, 2.0] + [3.0, -1.0]


def test_a_density_is_that_of_scipys_kernel_estimate(points: np.ndarray) -> None:
    found = density(points, np.array([[-2.0, 8.0], [-11.0, 9.0]]))
    cell = (found.x[1] - found.x[0]) * (found.y[1] - found.y[0])
    grid = np.stack([part.ravel() for part in np.meshgrid(found.x, found.y)])
    expected = gaussian_kde(points.T)(grid).reshape(found.share.shape)
    np.testing.assert_allclose(found.share / cell, expected, atol=0.03 * expected.max())


def test_half_of_a_round_normal_cloud_lies_in_the_circle_of_its_median() -> None:
    points = np.random.default_rng(1).normal(size=(50_000, 2))
    found = density(points, np.array([[-5.0, 5.0], [-5.0, 5.0]]), cells=200)
    inside = found.share >= found.level(0.5)
    area = inside.sum() * (found.x[1] - found.x[0]) * (found.y[1] - found.y[0])
    assert np.sqrt(area / np.pi) == pytest.approx(
        np.sqrt(2 * np.log(2)), rel=0.03
    )  # the median of a Rayleigh distribution


def test_levels_fall_as_they_hold_more(points: np.ndarray) -> None:
    found = density(points, np.array([[-2.0, 8.0], [-11.0, 9.0]]))
    assert found.level(0.2) > found.level(0.5) > found.level(0.8)
    assert found.share[found.share >= found.level(0.8)].sum() == pytest.approx(0.8, abs=0.01)
