from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from bstviz.evaluation.calibration import RANGE, expected_calibration_error, fit_temperature, reliability


def drawn(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax at a temperature."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(n, 5))
    edges = softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > edges[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_drew_the_labels_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_few_sounds_leave_the_temperature_near_one_and_none_at_one() -> None:
    logits = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert RANGE[0] < fit_temperature(logits, np.array([0, 1])) < 1
    assert fit_temperature(np.empty((0, 2)), np.empty(0, int)) == 1


def test_calibration_error_by_hand() -> None:
    """Two sounds at 0.9, one right: a gap of 0.4; two at 0.6, both right: 0.4; weighted by their halves."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    assert expected_calibration_error(np.array([0, 1, 1, 1]), probabilities) == pytest.approx(0.4)


def test_labels_drawn_from_the_probabilities_are_calibrated() -> None:
    logits, labels = drawn(1.0)
    assert expected_calibration_error(labels, softmax(logits, axis=1)) < 0.015
    assert expected_calibration_error(labels, softmax(3 * logits, axis=1)) > 0.1
    assert np.isnan(expected_calibration_error(labels[:0], softmax(logits[:0], axis=1)))


def test_bins_hold_their_upper_edge_and_empty_ones_are_left_out() -> None:
    """At four bins, 0.5 is in the second, 0.6 and 0.7 in the third."""
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]])
    binned = reliability(np.array([1, 0, 1]), probabilities, bins=4)
    assert binned.count.tolist() == [1, 2]
    assert binned.confidence.tolist() == pytest.approx([0.5, 0.65])
    assert binned.accuracy.tolist() == [0, 0.5]


def test_at_the_top_level_the_mass_of_the_predicted_class_is_the_confidence() -> None:
    """Four classes under two parents; each sound's class is predicted by the most probable one, whatever the mass."""
    parents = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.5, 0.3, 0.1, 0.1], [0.4, 0.0, 0.3, 0.3], [0.1, 0.1, 0.7, 0.1]])
    truth = np.array([1, 2, 2])  # right, wrong, right at the top level
    binned = reliability(truth, probabilities, bins=2, parents=parents)
    np.testing.assert_array_equal(binned.count, [1, 2])
    np.testing.assert_allclose(binned.confidence, [0.4, 0.8])
    np.testing.assert_allclose(binned.accuracy, [0, 1])
    error = expected_calibration_error(truth, probabilities, bins=2, parents=parents)
    assert error == pytest.approx((0.4 + 2 * 0.2) / 3)
