from __future__ import annotations

import numpy as np
import pytest
from sklearn import decomposition, manifold

from bstviz.errors import UserError
from bstviz.latent.projection import (
    UmapSettings,
    columns_of,
    fit_pca,
    fit_umap,
    out_of_sample,
    pca_table,
    trustworthiness,
    umap_table,
)


def clusters(n: int = 60, d: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (4 * rng.normal(size=(3, d))[np.arange(n) % 3] + rng.normal(size=(n, d))).astype(np.float32)


def test_pca_is_that_of_scikit_learn_up_to_sign() -> None:
    latents = clusters()
    expected = decomposition.PCA(3).fit(latents)
    pca = fit_pca(latents)
    np.testing.assert_allclose(pca.mean, expected.mean_, atol=1e-5)
    np.testing.assert_allclose(np.abs((pca.components * expected.components_).sum(1)), 1, atol=1e-5)
    np.testing.assert_allclose(pca.explained, expected.explained_variance_ratio_, atol=1e-5)
    signs = np.sign((pca.components * expected.components_).sum(1))
    np.testing.assert_allclose(pca.transform(latents), expected.transform(latents) * signs, atol=1e-4)


def test_pca_projects_new_points_as_scikit_learn_does() -> None:
    latents, new = clusters(), clusters(7) + 1
    expected, pca = decomposition.PCA(3).fit(latents), fit_pca(latents)
    signs = np.sign((pca.components * expected.components_).sum(1))
    np.testing.assert_allclose(pca.transform(new), expected.transform(new) * signs, atol=1e-4)
    np.testing.assert_array_equal(pca_table(pca, latents).to_numpy(), pca.transform(latents))


def test_pca_has_the_same_signs_for_mirrored_latents() -> None:
    latents = clusters()
    np.testing.assert_allclose(fit_pca(latents).components, fit_pca(-latents).components, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 8), (3, 8), (20, 2), (20, 1)])
def test_pca_of_little_data_has_zero_for_what_is_missing(shape: tuple[int, int]) -> None:
    pca = fit_pca(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert pca.components.shape == (3, shape[1])
    assert np.isfinite(pca.transform(np.ones((4, shape[1]), np.float32))).all()
    assert pca.explained.sum() == pytest.approx(1, abs=1e-5)


def test_pca_of_equal_points_is_finite() -> None:
    assert np.isfinite(fit_pca(np.ones((5, 4), np.float32)).transform(np.zeros((1, 4), np.float32))).all()


def test_too_few_sounds_for_a_map_are_refused() -> None:
    with pytest.raises(UserError, match="at least 2 sounds; there are 1"):
        fit_pca(clusters(1))
    with pytest.raises(UserError, match="at least 5 sounds; there are 4"):
        fit_umap(clusters(4), 2)


@pytest.mark.slow
def test_umap_is_the_same_for_the_same_seed_and_keeps_clusters_together() -> None:
    latents, settings = clusters(), UmapSettings(n_neighbors=10, seed=3)
    first, again = umap_table(latents, settings), umap_table(latents, settings)
    assert list(first) == ["umap2_x", "umap2_y", "umap3_x", "umap3_y", "umap3_z"]
    np.testing.assert_array_equal(first.to_numpy(), again.to_numpy())
    other = fit_umap(latents, 2, UmapSettings(n_neighbors=10, seed=4))
    assert not np.array_equal(first[["umap2_x", "umap2_y"]].to_numpy(), other)
    assert manifold.trustworthiness(latents, other, n_neighbors=5, metric="cosine") > 0.8
    assert fit_umap(latents[:6], 3).shape == (6, 3)


def test_columns_of_a_map_are_named_by_method_and_dimensions() -> None:
    assert columns_of("pca", 2) == ["pca_x", "pca_y"]
    assert columns_of("pca", 3) == ["pca_x", "pca_y", "pca_z"]
    assert columns_of("umap", 2) == ["umap2_x", "umap2_y"]
    assert columns_of("umap", 3) == ["umap3_x", "umap3_y", "umap3_z"]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_point_of_the_map_is_projected_onto_itself(dimensions: int) -> None:
    latents = clusters()
    coordinates = np.random.default_rng(1).uniform(-10, 10, (60, dimensions)).astype(np.float32)
    np.testing.assert_allclose(out_of_sample(latents, latents, coordinates), coordinates, atol=0.01)


def test_a_new_point_lies_among_its_neighbours_and_nearer_the_nearest() -> None:
    angle = np.radians([0.0, 20.0, 180.0])
    latents = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    coordinates = np.array([[0, 0], [10, 0], [0, 99]], np.float32)
    new = np.array([[np.cos(np.radians(5.0)), np.sin(np.radians(5.0))]], np.float32)
    ((x, y),) = out_of_sample(new, latents, coordinates, k=2)
    near, far = 1 / (1 - np.cos(np.radians(5))), 1 / (1 - np.cos(np.radians(15)))
    assert x == pytest.approx(10 * far / (near + far), rel=1e-3)
    assert y == 0


def test_out_of_sample_takes_maps_of_fewer_points_than_neighbours() -> None:
    assert out_of_sample(clusters(4), clusters(2), np.zeros((2, 2), np.float32), k=5).shape == (4, 2)


def test_trustworthiness_is_that_of_scikit_learn() -> None:
    latents = clusters()
    flat = fit_pca(latents).transform(latents)[:, :2]
    expected = manifold.trustworthiness(latents, flat, n_neighbors=10, metric="cosine")
    assert trustworthiness(latents, flat) == pytest.approx(expected)
    shuffled = np.random.default_rng(0).permutation(flat)
    assert trustworthiness(latents, shuffled) < trustworthiness(latents, flat)


def test_trustworthiness_of_too_few_sounds_is_nan_and_of_many_is_sampled() -> None:
    assert np.isnan(trustworthiness(clusters(20), np.zeros((20, 2))))
    many = clusters(300)
    flat = fit_pca(many).transform(many)[:, :2]
    sampled = trustworthiness(many, flat, sample=100)
    assert sampled == trustworthiness(many, flat, sample=100)
    assert sampled == pytest.approx(trustworthiness(many, flat), abs=0.1)


@pytest.mark.slow
def test_a_umap_fit_reports_how_far_it_is() -> None:
    shares: list[float] = []
    fit_umap(clusters(), 2, report=shares.append)
    assert shares[0] < 0.2
    assert shares[-1] == 1
    assert shares == sorted(shares)
