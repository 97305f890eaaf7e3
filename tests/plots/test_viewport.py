from __future__ import annotations

import numpy as np
import pytest

from bstviz.plots.viewport import View, drawn, enclosed, stratified


def test_small_maps_are_drawn_whole() -> None:
    assert stratified(np.zeros(7, int), 7).tolist() == list(range(7))


def test_a_sample_keeps_the_shares_and_every_class() -> None:
    labels = np.repeat([-1, 0, 1, 2], [1, 6_000, 3_000, 999])
    rows = stratified(labels, 1_000)
    counts = dict(zip(*np.unique(labels[rows], return_counts=True), strict=True))
    assert counts == {-1: 1, 0: 600, 1: 300, 2: 99}
    assert len(set(rows.tolist())) == len(rows)
    assert (np.diff(rows) > 0).all()


def test_the_same_seed_gives_the_same_sample() -> None:
    labels = np.random.default_rng(0).integers(5, size=2_000)
    assert stratified(labels, 100).tolist() == stratified(labels, 100).tolist()
    assert stratified(labels, 100).tolist() != stratified(labels, 100, seed=1).tolist()


def test_zooming_in_draws_everything_in_view() -> None:
    rng = np.random.default_rng(0)
    points, labels = rng.uniform(0, 1, (5_000, 2)), rng.integers(4, size=5_000)
    view = View(0.2, 0.4, 0.1, 0.3)
    inside = [i for i, (x, y) in enumerate(points) if 0.2 <= x <= 0.4 and 0.1 <= y <= 0.3]
    assert drawn(labels, view.holds(points), limit=1_000).tolist() == inside
    some = drawn(labels, View(0, 0.9, 0, 0.9).holds(points), limit=1_000)
    assert 990 <= len(some) <= 1_000
    assert View(0, 0.9, 0, 0.9).holds(points[some]).all()


@pytest.mark.parametrize("corners", [3, 5, 40])
def test_enclosed_points_see_the_outline_turn_once_around_them(corners: int) -> None:
    rng = np.random.default_rng(corners)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    polygon = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.3, 1, (corners, 1))
    points = rng.uniform(-1, 1, (600, 2))
    seen = polygon[None] - points[:, None]
    bearing = np.arctan2(seen[..., 1], seen[..., 0])
    turns = np.angle(np.exp(1j * (np.roll(bearing, -1, axis=1) - bearing))).sum(axis=1)
    np.testing.assert_array_equal(enclosed(points, polygon), np.abs(turns) > np.pi)


def test_a_crossing_line_encloses_by_the_even_odd_rule() -> None:
    bow = np.array([[0, 0], [2, 2], [2, 0], [0, 2]], float)
    points = np.array([[1.8, 1.0], [0.2, 1.0], [1.0, 0.2], [1.0, 1.8], [5, 5]])
    assert enclosed(points, bow).tolist() == [True, True, False, False, False]
