from __future__ import annotations

import numpy as np
import pytest
import torch

from bstviz.datasets.collection import Collection
from bstviz.evaluation import calibration
from bstviz.models.config import TrainConfig
from bstviz.training.fit import augment, epoch_order, mix
from bstviz.training.train import train_fold, train_folds
from tests.fakes import quick, stratified


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_patience_stops_early_and_keeps_the_best_epoch(collection: Collection) -> None:
    config = quick(epochs=200, patience=3, schedule="constant", noise=2.0)
    run = train_fold(collection, stratified(collection), 0, config)
    losses = run.history["val_loss"]
    assert len(losses) < 200
    assert len(losses) == int(np.argmin(losses)) + 1 + 3
    val = run.sounds["split"] == "val"
    rows = np.flatnonzero(val)
    raw = run.probabilities[rows] ** run.temperature  # without the temperature that was fitted afterwards
    kept = -np.log(raw[np.arange(len(rows)), run.y_true[rows]] / raw.sum(1)).mean()
    assert kept == pytest.approx(min(losses), abs=1e-4)


def test_without_patience_every_epoch_is_trained_and_reported(collection: Collection) -> None:
    seen: list[tuple[int, int]] = []
    config = quick(epochs=7, patience=0)
    run = train_fold(collection, stratified(collection), 0, config, on_epoch=lambda e, n: seen.append((e, n)))
    assert seen == [(i, 7) for i in range(1, 8)]
    assert {len(values) for values in run.history.values()} == {7}


def test_each_fold_stops_by_its_own_validation(collection: Collection) -> None:
    config = quick(epochs=200, patience=3, schedule="constant", noise=2.0)
    for run in train_folds(collection, stratified(collection), [0, 1, 2, 3], config):
        losses = run.history["val_loss"]
        assert len(losses) == int(np.argmin(losses)) + 1 + 3


def test_the_temperature_is_the_one_of_least_validation_loss(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=10, validation=0.2))
    rows = np.flatnonzero(run.sounds["split"] == "val")

    def loss(temperature: float) -> float:
        logits = np.log(run.probabilities[rows]) * run.temperature / temperature
        score = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return -score[np.arange(len(rows)), run.y_true[rows]].mean() + calibration.PRIOR * np.log(
            temperature
        ) ** 2 / len(rows)

    assert run.temperature != 1
    assert loss(run.temperature) <= min(loss(0.9 * run.temperature), loss(1.1 * run.temperature), loss(1.0)) + 1e-6


def test_half_precision_learns_as_well(collection: Collection) -> None:
    scores = [
        train_fold(collection, stratified(collection), 0, quick(precision=precision)).metrics["second_accuracy"]
        for precision in ("float32", "bfloat16")
    ]
    assert min(scores) >= 0.8


def test_an_epoch_takes_every_sound_before_any_twice() -> None:
    rows = torch.tensor([3, 5, 8, 9])
    assert sorted(epoch_order(rows, 4, generator()).tolist()) == [3, 5, 8, 9]
    longer = epoch_order(rows, 10, generator()).tolist()
    assert len(longer) == 10
    assert sorted(longer[:4]) == sorted(longer[4:8]) == [3, 5, 8, 9]
    assert epoch_order(rows, 4, generator()).tolist() != epoch_order(rows, 4, generator().manual_seed(1)).tolist()


def test_augmentation_masks_up_to_the_given_share_with_the_mean() -> None:
    x = torch.randn(1, 400, 300) + 5
    out = augment(x, TrainConfig(noise=0.0, mask=0.7), [generator()])[0]
    share = (out == 0).float().mean(1)
    assert share.max() < 0.8
    assert share.mean() == pytest.approx(0.35, abs=0.03)
    assert share.std() > 0.1  # a share drawn per sound
    kept = out != 0
    torch.testing.assert_close(out[kept], x[0][kept])


def test_augmentation_noise_has_the_given_deviation() -> None:
    out = augment(torch.zeros(1, 5_000, 3), TrainConfig(noise=0.1, mask=0.0), [generator()])
    torch.testing.assert_close(out.std((0, 1)), torch.full((3,), 0.1), rtol=0.05, atol=0)


def test_mixing_keeps_a_share_and_takes_the_rest_of_the_sound_before() -> None:
    x = torch.tensor([[[1.0], [10.0], [100.0]]])
    assert mix(x, torch.tensor([[[0.75]]])).flatten().tolist() == [25.75, 7.75, 77.5]
