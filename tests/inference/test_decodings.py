"""The benchmark of the two decodings, on numbers worked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import decodings
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.models.run import Run

PARENTS = np.array([0, 0, 1])


def test_measures_are_of_both_levels_and_the_f1() -> None:
    # pair scores 1, 0.375, 0: precision of class 0 is 1, of 1 is 0.375, of 2 is 0; recall 0.6875, 0, 0
    found = decodings.scores(np.array([0, 0, 1]), np.array([0, 1, 2]), PARENTS)
    np.testing.assert_allclose(found, [1 / 3, 2 / 3, (2 * 0.6875 / 1.6875) / 2])


def test_a_gain_of_every_sound_alike_is_the_same_in_every_draw() -> None:
    y_true = np.array([0, 1, 2, 0])
    predicted = {"argmax": np.array([2, 2, 0, 2]), "top_down": y_true}
    gains = decodings.resampled_gains(y_true, predicted, PARENTS, np.array([0, 0, 1, 2]))
    assert (gains == 1).all()


def test_sounds_that_a_run_was_trained_on_are_left_out(collection: Collection, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    rows = decodings.strangers(collection, [run])
    assert set(collection.sounds["sound_id"].iloc[rows]) == set(run.sounds["sound_id"][run.tested])
    np.testing.assert_allclose(
        decodings.probabilities_of(collection, [run], rows), run.probabilities[run.tested], atol=1e-6
    )


def test_nothing_is_measured_where_every_sound_is_known(collection: Collection, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    known = replace(run, sounds=run.sounds.assign(split="train"))
    with pytest.raises(UserError, match="not trained on"):
        decodings.strangers(collection, [known])


def test_the_table_has_both_decodings_and_the_gain(
    collection: Collection, runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs["audio"]
    decodings.main(Path(str(collection.folder)), [Path(str(run.folder))], "uploader")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"small: {run.tested.sum()} of 48 sounds, 4 units by uploader; ")
    assert [line.split()[0] for line in lines[2:]] == ["argmax", "top_down", "gain"]
    assert lines[2].split()[1] == f"{100 * run.metrics['second_accuracy']:.2f}"
