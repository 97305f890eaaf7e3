"""Bootstrap intervals against what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from bstviz.evaluation import bootstrap
from bstviz.models.run import Run
from tests.fakes import answers_of


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


def test_drawing_sounds_gives_the_interval_of_the_binomial() -> None:
    """An accuracy over resampled sounds is a binomial share, exactly."""
    right = (np.arange(200) < 150).astype(int)[:, None]
    low, high = bootstrap.interval(bootstrap.resampled(right, np.ones_like(right), resamples=20_000))
    expected = binom(200, 0.75).ppf([0.025, 0.975]) / 200
    assert (low[0], high[0]) == pytest.approx(tuple(expected), abs=0.005)


def test_drawing_whole_groups_by_hand() -> None:
    """Two groups, all right and all wrong: a draw of two has none, one or both of them, in shares 1/4, 1/2, 1/4."""
    drawn = bootstrap.resampled(np.array([[5], [0]]), np.array([[5], [5]]), resamples=20_000)[:, 0]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0, 0.5, 1]
    assert counts / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


def test_groups_that_stand_or_fall_together_widen_the_interval(run: Run) -> None:
    truth = np.zeros(400, int)
    answers = answers_of(run, truth, np.where(np.arange(400) // 20 % 2 == 0, 0, 1))
    groups = {sound: str(i // 20) for i, sound in enumerate(answers.sound_ids)}
    alone, together = bootstrap.accuracies([answers]).iloc[0], bootstrap.accuracies([answers], groups).iloc[0]
    assert (alone["units"], together["units"]) == (400, 20)
    assert alone["accuracy"] == together["accuracy"] == 0.5
    ratio = (together["high"] - together["low"]) / (alone["high"] - alone["low"])
    assert ratio == pytest.approx(np.sqrt(20), rel=0.15)


def test_answers_to_the_same_sounds_are_drawn_together(run: Run) -> None:
    """The same answers twice differ by nothing, however they are drawn; a part of them has its own share."""
    answers = answers_of(run, np.zeros(100, int), (np.arange(100) >= 80).astype(int))
    table = bootstrap.accuracies([answers, answers, answers.where(np.arange(100) >= 60)])
    assert table["accuracy"].tolist() == [0.8, 0.8, 0.5]
    assert table["sounds"].tolist() == table["units"].tolist() == [100, 100, 40]
    assert table.loc[1, ["change", "change_low", "change_high"]].tolist() == [0, 0, 0]
    assert table.loc[2, "change"] == pytest.approx(-0.3)
    assert table.loc[2, "change_low"] < -0.3 < table.loc[2, "change_high"] < 0


def test_sounds_without_a_group_are_units_of_their_own(run: Run) -> None:
    answers = answers_of(run, np.zeros(10, int), np.zeros(10, int))
    assert bootstrap.accuracies([answers], dict.fromkeys(answers.sound_ids[:4], "a"))["units"].tolist() == [7]


def test_a_handful_of_sounds_has_no_interval(run: Run) -> None:
    few, enough = (
        answers_of(run, np.zeros(n, int), np.zeros(n, int)) for n in (bootstrap.LEAST_UNITS - 1, bootstrap.LEAST_UNITS)
    )
    table = bootstrap.accuracies([enough, few])
    assert table["accuracy"].tolist() == [1, 1]
    assert table["low"].isna().tolist() == [False, True]
    assert table["change_high"].isna().tolist() == [False, True]


def test_sums_over_draws_are_those_of_the_units_drawn_however_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(12.0).reshape(6, 2)
    rng = np.random.default_rng(4)
    expected = [values[rng.integers(6, size=6)].sum(axis=0) for _ in range(9)]
    for at_a_time in (1, 13, 1_000):
        monkeypatch.setattr(bootstrap, "UNITS_AT_A_TIME", at_a_time)
        np.testing.assert_array_equal(bootstrap.resampled_sums(values, resamples=9, seed=4), expected)


def test_the_p_of_resampled_differences_by_hand() -> None:
    """Of 999 draws 9 are not above 0: twice (1 + 9) / (1 + 999); and where all are 0, or half each way, 1."""
    drawn = np.ones((999, 3))
    drawn[:9, 0], drawn[:, 1], drawn[:500, 2] = -1, 0, -1
    np.testing.assert_allclose(bootstrap.p_value(drawn), [0.02, 1, 1])
    np.testing.assert_allclose(bootstrap.p_value(-drawn), [0.02, 1, 1])
    drawn[500:, 0] = np.nan
    assert bootstrap.p_value(drawn)[0] == pytest.approx(2 * 10 / 501)


def test_the_same_seed_draws_the_same() -> None:
    right, total = np.arange(10)[:, None] % 2, np.ones((10, 1))
    np.testing.assert_array_equal(
        bootstrap.resampled(right, total, resamples=5), bootstrap.resampled(right, total, resamples=5)
    )
