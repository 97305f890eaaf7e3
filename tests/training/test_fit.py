from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bstviz.datasets.collection import Collection
from bstviz.evaluation import calibration
from bstviz.models.config import ModelConfig, TrainConfig
from bstviz.training import fit as fit_module
from bstviz.training.fit import Descent, augment, epoch_order, mix, resolved_precision
from bstviz.training.train import train_fold, train_folds
from tests.fakes import TINY, quick, stratified


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


def test_patience_may_go_by_accuracy(collection: Collection) -> None:
    config = quick(epochs=200, patience=3, stopping="accuracy", schedule="constant", noise=2.0)
    run = train_fold(collection, stratified(collection), 0, config)
    accuracies = run.history["val_accuracy"]
    assert len(accuracies) == int(np.argmax(accuracies)) + 1 + 3
    val = (run.sounds["split"] == "val").to_numpy()
    assert (run.y_pred[val] == run.y_true[val]).mean() == pytest.approx(max(accuracies))


class OneLayer(torch.nn.Module):
    """One layer and one member, to descend with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1, 3, 2))
        self.bias = torch.nn.Parameter(torch.ones(1, 1, 2))

    def loss(self) -> torch.Tensor:
        return (torch.tensor([[[1.0, -2.0, 0.5]]]) @ self.weight + self.bias).square().sum()


def descended(config: TrainConfig, *, epochs: int, steps: int) -> tuple[list[float], list[torch.Tensor]]:
    """Learning rate before every step, and the parameters after the last."""
    model = OneLayer()
    descent = Descent(model, config, epochs=epochs, steps=steps)
    rates = []
    for _ in range(epochs * steps):
        rates.append(descent.rate)
        descent.step(model.loss())
    return rates, [p.detach() for p in model.parameters()]


@pytest.mark.parametrize("decay", ["coupled", "decoupled"])
def test_decay_is_that_of_adam_or_adamw(decay: str) -> None:
    config = quick(schedule="constant", decay=decay, weight_decay=0.3, learning_rate=1e-2)
    _, found = descended(config, epochs=1, steps=30)
    model = OneLayer()
    optimiser = (
        torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=0.3)
        if decay == "coupled"
        else torch.optim.AdamW(
            [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0}],
            lr=1e-2,
            weight_decay=0.3,
        )
    )
    for _ in range(30):
        optimiser.zero_grad()
        model.loss().backward()
        optimiser.step()
    torch.testing.assert_close(found, [p.detach() for p in model.parameters()])


def test_the_step_schedule_is_torch_s_by_epoch() -> None:
    rates, _ = descended(quick(schedule="step", learning_rate=1e-3), epochs=50, steps=3)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=20, gamma=0.5)
    expected = []
    for _ in range(50):
        expected += [schedule.get_last_lr()[0]] * 3
        optimiser.step()
        schedule.step()
    assert rates == pytest.approx(expected)
    assert len(set(rates)) == 3


def test_embeddings_are_taken_as_they_come_where_the_settings_say_so(collection: Collection) -> None:
    folds = stratified(collection)
    for standardise in (True, False):
        weights = train_fold(collection, folds, 0, quick(epochs=1, standardise=standardise)).weights
        assert bool(weights["standardise.audio.mean"].any()) == standardise
        assert bool((weights["standardise.audio.deviation"] != 1).any()) == standardise


@pytest.mark.parametrize(("able", "expected"), [({}, "float32"), ({"avx512_bf16": True}, "bfloat16")])
def test_the_faster_precision_is_taken_and_none_that_the_hardware_lacks(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], expected: str
) -> None:
    asked = []

    def fake(question: str, ways: dict) -> str:
        asked.append(question)
        for work in ways.values():
            work()
        return "bfloat16"

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(fit_module, "fastest", fake)
    sizes = ModelConfig("both", 6, 5, 4, replace(TINY, dropout=0.2))
    assert resolved_precision(quick(precision="auto"), sizes, "cpu") == expected
    assert len(asked) == bool(able)
    assert all(word in question for question in asked for word in ("threads", torch.__version__, '"audio_dim": 6'))
    assert resolved_precision(quick(precision="bfloat16"), sizes, "cpu") == "bfloat16"


def test_timing_a_step_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    step = fit_module._trial_step(ModelConfig("audio", 6, 0, 4, TINY), quick(), torch.device("cpu"))
    step()
    torch.testing.assert_close(torch.rand(3), expected)


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


def test_augmentation_masks_at_least_the_given_share() -> None:
    out = augment(torch.ones(1, 2_000, 50), TrainConfig(noise=0.0, least_mask=0.5, mask=0.5), [generator()])
    assert (out == 0).float().mean() == pytest.approx(0.5, abs=0.01)


def test_augmentation_noise_has_the_given_deviation() -> None:
    out = augment(torch.zeros(1, 5_000, 3), TrainConfig(noise=0.1, mask=0.0), [generator()])
    torch.testing.assert_close(out.std((0, 1)), torch.full((3,), 0.1), rtol=0.05, atol=0)


def test_mixing_keeps_a_share_and_takes_the_rest_of_the_sound_before() -> None:
    x = torch.tensor([[[1.0], [10.0], [100.0]]])
    assert mix(x, torch.tensor([[[0.75]]])).flatten().tolist() == [25.75, 7.75, 77.5]
