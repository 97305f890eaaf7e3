from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.stats import ortho_group, spearmanr
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import NearestNeighbors

from bstviz.latent.alignment import align, disparity, neighbour_jaccard, neighbour_overlap
from bstviz.latent.neighbours import Index
from bstviz.latent.structure import (
    knn_purity,
    per_class,
    retrieval_map,
    silhouette,
    spread,
    structure,
    tree_correlation,
)


def clusters(n_classes: int = 4, per_class: int = 15, spread: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(n_classes), per_class)
    centres = rng.normal(size=(n_classes, 6))
    return (centres[labels] + spread * rng.normal(size=(len(labels), 6))).astype(np.float32), labels


def on_circle(*degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def test_silhouette_is_that_of_scikit_learn_by_cosine() -> None:
    latents, labels = clusters()
    assert silhouette(latents, labels) == pytest.approx(silhouette_score(latents, labels, metric="cosine"))


def test_silhouette_needs_two_classes_and_fewer_classes_than_sounds() -> None:
    latents, labels = clusters()
    assert np.isnan(silhouette(latents, np.zeros_like(labels)))
    assert np.isnan(silhouette(latents, np.arange(len(labels))))


def test_purity_is_the_share_of_neighbours_of_the_same_class() -> None:
    latents, labels = clusters()
    rows = NearestNeighbors(n_neighbors=10, metric="cosine").fit(latents).kneighbors(return_distance=False)
    assert knn_purity(latents, labels) == pytest.approx(np.mean(labels[rows] == labels[:, None]))


def test_purity_by_hand() -> None:
    """Four points in a row on a circle, one neighbour each: 0-1, 1-0, 2-3, 3-2; the third and fourth differ."""
    assert knn_purity(on_circle(0, 5, 90, 97), np.array([0, 0, 0, 1]), k=1) == 0.5


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


def test_retrieval_is_mean_average_precision_as_in_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score
    from sklearn.metrics.pairwise import cosine_similarity

    rng = np.random.default_rng(2)
    latents, labels = rng.normal(size=(70, 4)).astype(np.float32), rng.integers(0, 5, 70)
    similarity = cosine_similarity(latents)
    expected = [
        average_precision_score(np.delete(labels, i) == labels[i], np.delete(similarity[i], i)) for i in range(70)
    ]
    assert retrieval_map(latents, labels) == pytest.approx(np.mean(expected), abs=1e-6)


def test_retrieval_leaves_out_sounds_that_are_alone_in_their_class() -> None:
    latents = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    assert retrieval_map(latents, np.array([0, 0, 1])) == 1
    assert np.isnan(retrieval_map(latents, np.array([0, 1, 2])))


def test_tree_correlation_is_high_where_centroids_follow_the_tree() -> None:
    parents = np.array([0, 0, 1, 1])
    angles = np.radians([0, 10, 90, 100])
    latents, labels = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.arange(4)
    # two pairs at distance 2 and four at 4, perfectly ordered: tied ranks leave Spearman at sqrt(8 / 9) or so
    expected = spearmanr([1 - np.cos(np.radians(d)) for d in (10, 90, 100, 80, 90, 10)], [2, 4, 4, 4, 4, 2]).statistic
    assert tree_correlation(latents, labels, parents) == pytest.approx(expected, abs=1e-6)
    assert tree_correlation(latents, labels, np.array([0, 1, 1, 0])) < 0
    assert np.isnan(tree_correlation(latents, labels, np.arange(4)))


def test_structure_reports_both_levels() -> None:
    latents, labels = clusters()
    parents = np.array([0, 0, 1, 1])
    result = structure(latents, labels, parents)
    assert result["second_silhouette"] == pytest.approx(silhouette_score(latents, labels, metric="cosine"))
    assert result["top_silhouette"] == pytest.approx(silhouette_score(latents, parents[labels], metric="cosine"))
    assert result["top_knn_purity"] >= result["second_knn_purity"]


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


def test_spread_is_the_mean_cosine_distance_from_the_mean_direction() -> None:
    latents, _ = clusters()
    length = np.linalg.norm(latents, axis=1, keepdims=True)
    middle = (latents / length).mean(axis=0, keepdims=True)
    assert spread(latents) == pytest.approx(float(cosine_distances(latents, middle).mean()), abs=1e-6)
    assert spread(latents[:1]) == pytest.approx(0, abs=1e-6)
    assert np.isnan(spread(latents[:0]))


def test_per_class_by_hand() -> None:
    """Class 0: two of three right in the first model, one in the second; class 2 does not occur."""
    latents = on_circle(0, 0, 0, 90)
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])
    labels, change = np.array([0, 0, 0, 1]), np.array([0, 0.5, np.nan, 1])
    pure, purer = np.array([0.2, 0.4, np.nan, 0]), np.array([0.5, 0.5, np.nan, np.nan])
    table = per_class((latents, first, pure), (latents, second, purer), labels, change, 3)
    zero, one = table.to_dict("records")
    assert (zero["label"], zero["sounds"], one["label"], one["sounds"]) == (0, 3, 1, 1)
    assert zero["accuracy_first"] == pytest.approx(2 / 3)
    assert zero["accuracy_second"] == pytest.approx(1 / 3)
    assert zero["accuracy_difference"] == pytest.approx(-1 / 3)
    assert (zero["confused_with"], zero["confused_first"], zero["confused_second"]) == (
        1,
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
    )
    assert zero["change"] == pytest.approx(0.25)
    assert zero["purity_difference"] == pytest.approx(0.5 - 0.3)
    assert np.isnan(one["purity_second"])
    assert one["confused_with"] == 0
    assert zero["spread_first"] == pytest.approx(0, abs=1e-6)


def test_per_class_of_the_same_model_differs_in_nothing() -> None:
    latents, labels = clusters()
    predicted = np.roll(labels, 1)
    one = (latents, predicted, np.ones(len(labels)))
    table = per_class(one, one, labels, np.zeros(len(labels)), 4)
    assert (table[[c for c in table if c.endswith("_difference")]] == 0).all().all()
