from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.evaluation import metrics
from bstviz.models.run import Run, load_run
from bstviz.training.bundled.slim import STEP, rounded, slim

Runs = dict[str, Run]


def test_rounding_keeps_who_is_predicted_and_leaves_nothing_at_zero() -> None:
    near = [0.31, 0.31 + STEP / 8, 0.31 + STEP / 4]
    given = np.array([[*near, 1 - sum(near), 1e-7], [0.2, 0.8, 0, 0, 0]])
    out = rounded(given)
    assert out.dtype == np.float16
    assert np.argsort(-out[0], kind="stable")[:3].tolist() == [2, 1, 0]
    assert (out > 0).all()
    assert np.abs(out.astype(float) - given).max() <= STEP


def test_rounding_costs_no_metric_a_sound() -> None:
    rng = np.random.default_rng(0)
    scores = 4 * rng.normal(size=(2_000, 6))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y_true = rng.integers(0, 6, 2_000)
    parents = np.array([0, 0, 1, 1, 2, 2])
    before = metrics.evaluate(y_true, probabilities, parents)
    after = metrics.evaluate(y_true, rounded(probabilities).astype(np.float32), parents)
    for name in ("second_accuracy", "top_accuracy", "second_top2_accuracy", "hierarchical_f1"):
        assert after[name] == before[name]


def test_a_slim_run_holds_the_test_fold_alone_and_what_was_measured(runs: Runs, tmp_path: Path) -> None:
    whole = runs["text"]
    folder = slim(whole, latents=True).save(tmp_path / "slim", half=True)
    run = load_run(folder)
    assert not (folder / "weights.safetensors").exists()
    assert set(run.sounds["split"]) <= {"test", "below_threshold"}
    assert len(run.sounds) == whole.held_out.sum() == len(run.latents)
    assert run.sounds["y_pred"].tolist() == whole.sounds["y_pred"][whole.held_out].tolist()
    assert (run.metrics, run.train, run.history) == (whole.metrics, whole.train, {})
    np.testing.assert_allclose(run.latents, whole.latents[whole.held_out], rtol=1e-3, atol=1e-4)
    assert {"pca_x", "umap2_x"} <= set(run.projections)
    assert run.left_out == ("weights", "history", "training sounds")


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_a_slim_run_without_latents_has_no_map(runs: Runs, tmp_path: Path, modality: str) -> None:
    run = load_run(slim(replace(runs[modality]), latents=False).save(tmp_path / "slim", half=True))
    assert (run.latent_dim, run.predicts) == (0, False)
    assert {file.name for file in (tmp_path / "slim").iterdir()} == {"run.json", "sounds.parquet"}
