from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from bstviz.latent import neighbours
from bstviz.latent.neighbours import largest, nearest, unit


def vectors(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_neighbours_are_those_of_scikit_learn() -> None:
    latents, queries = vectors(200), vectors(30, seed=1)
    distances, rows = (
        NearestNeighbors(n_neighbors=7, metric="cosine", algorithm="brute").fit(latents).kneighbors(queries)
    )
    found, measured = nearest(queries, latents, 7)
    np.testing.assert_array_equal(found, rows)
    np.testing.assert_allclose(measured, distances, atol=1e-6)


@pytest.mark.parametrize("n", [10, 63, 640, 704, 767, 5_003])
@pytest.mark.parametrize("k", [0, 1, 10, 40])
def test_the_greatest_are_those_of_a_sort(n: int, k: int) -> None:
    k = min(k, n)
    values = np.random.default_rng(n).permuted(np.tile(np.arange(n, dtype=np.float32), (7, 1)), axis=1)
    found = np.take_along_axis(values, largest(values, k), 1)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(np.arange(n - k, n), (7, 1)))


def test_neighbours_among_many_are_those_of_scikit_learn() -> None:
    latents = vectors(2_000, 16)
    search = NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(latents)
    np.testing.assert_array_equal(
        nearest(latents, latents, 10, itself=True)[0], search.kneighbors(return_distance=False)
    )


def test_itself_leaves_each_row_out_of_its_own_neighbours() -> None:
    latents = vectors(120)
    rows = (
        NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute")
        .fit(latents)
        .kneighbors(return_distance=False)
    )
    found, _ = nearest(latents, latents, 5, itself=True)
    np.testing.assert_array_equal(found, rows)
    assert nearest(latents, latents, 1)[0][:, 0].tolist() == list(range(120))


def test_blocks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    latents = vectors(50)
    whole = nearest(latents, latents, 4, itself=True)
    monkeypatch.setattr(neighbours, "SIMILARITIES", 7 * 50)
    blocks = nearest(latents, latents, 4, itself=True)
    np.testing.assert_array_equal(whole[0], blocks[0])
    np.testing.assert_allclose(whole[1], blocks[1], atol=1e-6)


def test_length_does_not_matter() -> None:
    latents, queries = vectors(40), vectors(5, seed=1)
    lengths = np.random.default_rng(2).uniform(0.01, 100, (40, 1)).astype(np.float32)
    np.testing.assert_array_equal(nearest(queries, latents, 6)[0], nearest(3 * queries, latents * lengths, 6)[0])


def test_ties_are_all_found_at_the_same_distance() -> None:
    latents = np.array([[1, 0], [0, 1], [1, 0], [-1, 0], [2, 0]], np.float32)
    rows, distances = nearest(np.array([[5, 0]], np.float32), latents, 4)
    assert set(rows[0, :3]) == {0, 2, 4}
    assert rows[0, 3] == 1
    np.testing.assert_allclose(distances[0], [0, 0, 0, 1], atol=1e-7)
    for row in (0, 2, 4):
        assert set(nearest(latents, latents, 2, itself=True)[0][row]) == {0, 2, 4} - {row}


def test_distances_rise_and_are_never_negative() -> None:
    latents = np.repeat(vectors(20), 3, axis=0)
    _, distances = nearest(latents, latents, 10)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert distances.min() >= 0


def test_fewer_come_back_where_there_are_not_so_many() -> None:
    latents = vectors(3)
    assert nearest(vectors(2, seed=1), latents, 10)[0].shape == (2, 3)
    assert nearest(latents, latents, 10, itself=True)[0].shape == (3, 2)
    assert nearest(latents[:1], latents[:1], 5, itself=True)[0].shape == (1, 0)


def test_opposite_vectors_are_at_distance_two() -> None:
    _, distances = nearest(np.array([[1, 0]], np.float32), np.array([[-4, 0]], np.float32), 1)
    assert distances[0, 0] == pytest.approx(2)


def test_unit_leaves_zero_vectors_zero() -> None:
    out = unit(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(out, [[0.6, 0.8], [0, 0]])


def test_of_equals_the_first_row_comes_first() -> None:
    one, other = vectors(2)
    assert nearest(one[None], np.stack([other, one, one, one]), 3)[0].tolist() == [[1, 2, 3]]
