"""Cohen's kappa against scikit-learn's and a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from bstviz.evaluation.agreement import cohen_kappa


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 23, 500)
    second = np.where(rng.random(500) < 0.6, first, rng.integers(0, 23, 500))
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    words = np.array([f"class {label}" for label in range(23)])
    assert cohen_kappa(words[first], words[second]) == pytest.approx(cohen_kappa(first, second), abs=1e-12)


def test_fifty_proposals_read_by_two_readers() -> None:
    # The usual worked case: 20 both yes, 15 both no, 5 and 10 differ; p_o = .7, p_e = .5.
    first = np.repeat(["yes", "yes", "no", "no"], [20, 5, 10, 15])
    second = np.repeat(["yes", "no", "yes", "no"], [20, 5, 10, 15])
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_without_sounds_or_with_one_class_kappa_is_not_known() -> None:
    assert np.isnan(cohen_kappa(np.array([], int), np.array([], int)))
    assert np.isnan(cohen_kappa(np.array([3, 3]), np.array([3, 3])))
