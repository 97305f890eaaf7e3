from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import NearestNeighbors

from bstviz.latent.structure import (
    compare_classes,
    knn_purity,
    retrieval_map,
    silhouette,
    spread,
    structure,
    tree_correlation,
)
from tests.latent.conftest import clusters, on_circle


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
    table = compare_classes((latents, first, pure), (latents, second, purer), labels, change, 3)
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
    table = compare_classes(one, one, labels, np.zeros(len(labels)), 4)
    assert (table[[c for c in table if c.endswith("_difference")]] == 0).all().all()
