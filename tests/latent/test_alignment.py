from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.stats import ortho_group

from bstviz.latent.alignment import align, align_pca, disparity, neighbour_jaccard, neighbour_overlap
from bstviz.latent.neighbours import Index
from bstviz.latent.projection import fit_pca
from tests.latent.conftest import clusters, on_circle


def test_jaccard_by_hand() -> None:
    """Two neighbours of the first sound: {1, 2} before, {1, 3} after; one of three is shared."""
    before, after = on_circle(0, 5, 10, 90), on_circle(0, 5, 90, 10)
    overlap = neighbour_jaccard(before, after, k=2)
    assert overlap[0] == pytest.approx(1 / 3)
    assert overlap[1] == pytest.approx(1 / 3)


def test_identical_spaces_share_all_neighbours() -> None:
    latents, _ = clusters()
    np.testing.assert_array_equal(neighbour_jaccard(latents, latents.copy()), np.ones(len(latents)))


def test_turning_and_scaling_a_space_changes_no_neighbour() -> None:
    latents, _ = clusters()
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0].astype(np.float32)
    np.testing.assert_array_equal(neighbour_jaccard(latents, 7 * latents @ rotation), np.ones(len(latents)))


def test_unrelated_spaces_share_about_what_chance_gives() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400, 6)).astype(np.float32)
    assert neighbour_jaccard(a, b).mean() < 0.05


def test_jaccard_of_spaces_of_different_dimension() -> None:
    latents, _ = clusters()
    wider = np.hstack([latents, np.zeros((len(latents), 3), np.float32)])
    np.testing.assert_array_equal(neighbour_jaccard(latents, wider), np.ones(len(latents)))


def test_kept_lost_and_gained_by_hand() -> None:
    before, after = Index(on_circle(0, 5, 10, 90)), Index(on_circle(0, 5, 90, 10))
    found = neighbour_overlap(before, after, 0, k=2)
    assert (found.kept.tolist(), found.lost.tolist(), found.gained.tolist()) == ([1], [2], [3])
    same = neighbour_overlap(before, before, 0, k=2)
    assert (same.kept.tolist(), same.lost.tolist(), same.gained.tolist()) == ([1, 2], [], [])


@pytest.mark.parametrize("d", [2, 3, 64])
def test_disparity_is_that_of_scipy(d: int) -> None:
    rng = np.random.default_rng(d)
    first, second = rng.normal(size=(2, 80, d)).astype(np.float32)
    second = second + first
    assert disparity(second, first) == pytest.approx(procrustes(first, second)[2], abs=1e-6)
    assert align(second, first).disparity == pytest.approx(procrustes(first, second)[2], abs=1e-6)
    assert align(first, second).disparity == pytest.approx(procrustes(second, first)[2], abs=1e-6)


def test_a_moved_turned_mirrored_and_scaled_copy_comes_back_exactly() -> None:
    fixed, _ = clusters()
    rotation = ortho_group.rvs(6, random_state=0) @ np.diag([1, 1, 1, 1, 1, -1])
    found = align(7 * fixed @ rotation + 3, fixed)
    np.testing.assert_allclose(found.points, fixed, atol=1e-4)
    assert found.disparity == pytest.approx(0, abs=1e-9)


def test_identical_runs_have_no_disparity_and_stay_where_they_are() -> None:
    latents, _ = clusters()
    same = align(latents, latents.copy())
    assert same.disparity == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(same.points, latents, atol=1e-5)


def test_spaces_of_different_dimension_are_aligned_and_equal_points_have_no_shape() -> None:
    latents, _ = clusters()
    wider = np.hstack([latents, np.zeros((len(latents), 3), np.float32)])
    assert align(wider, latents).points.shape == latents.shape
    assert align(wider, latents).disparity == pytest.approx(0, abs=1e-9)
    assert np.isnan(align(np.ones((5, 2)), latents[:5]).disparity)


def test_a_pca_is_aligned_with_its_map() -> None:
    """A PCA of turned and scaled latents comes to lie where the map before lies, for new sounds too."""
    rng = np.random.default_rng(3)
    latents = (rng.normal(size=(60, 5)) * [5, 3, 2, 0.01, 0.01]).astype(np.float32)
    pca = fit_pca(latents)
    fixed = pca.transform(latents)
    turned = (2 * latents @ ortho_group.rvs(5, random_state=3) + 1).astype(np.float32)
    moved = fit_pca(turned)
    aligned = align_pca(moved, turned, fixed)
    np.testing.assert_allclose(aligned.transform(turned), fixed, atol=1e-3)
    np.testing.assert_allclose(aligned.explained, pca.explained, atol=1e-4)
    mirrored = replace(moved, components=-moved.components[[1, 2, 0]], explained=moved.explained[[1, 2, 0]])
    np.testing.assert_allclose(align_pca(mirrored, turned, fixed).transform(turned), fixed, atol=1e-3)
