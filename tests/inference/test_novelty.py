from __future__ import annotations

from dataclasses import replace

import numpy as np

from bstviz.inference.novelty import ENOUGH, novelty, usual_distances
from bstviz.models.run import Run


def with_latents(run: Run, latents: np.ndarray, split: str) -> Run:
    sounds = run.sounds.loc[np.zeros(len(latents), int)].reset_index(drop=True)
    return replace(run, latents=latents.astype(np.float32), sounds=sounds.assign(split=split))


def test_a_sound_amid_the_collection_is_usual_and_one_far_off_is_not(runs: dict[str, Run]) -> None:
    rng = np.random.default_rng(0)
    centre = np.array([3.0, 0, 0, 0])
    run = with_latents(runs["audio"], centre + rng.normal(0, 0.3, (400, 4)), "test")
    usual = usual_distances(run)
    others = (centre + rng.normal(0, 0.3, (200, 4))).astype(np.float32)
    assert abs(novelty(others, run, usual).mean() - 0.5) < 0.1
    assert novelty(np.array([[-3.0, 0, 0, 0]], np.float32), run, usual) == 1


def test_trained_sounds_are_no_measure_where_there_are_others(runs: dict[str, Run]) -> None:
    rng = np.random.default_rng(0)
    spread = np.r_[np.full(300, 0.01), np.full(ENOUGH, 0.3)][:, None]
    run = with_latents(runs["audio"], spread * rng.normal(size=(len(spread), 4)) + np.eye(4)[0], "train")
    run.sounds.loc[300:, "split"] = "test"
    assert len(usual_distances(run)) == ENOUGH
    assert len(usual_distances(replace(run, sounds=run.sounds.assign(split="train")))) == 350


def test_distances_are_sorted_and_leave_a_sound_out_of_its_own_neighbours(runs: dict[str, Run]) -> None:
    usual = usual_distances(runs["audio"])
    assert (np.diff(usual) >= 0).all()
    assert usual[0] > 0


def test_without_latents_of_its_own_a_run_knows_no_novelty(runs: dict[str, Run]) -> None:
    run = replace(runs["audio"], left_out=("latents",))
    assert np.isnan(novelty(np.ones((2, 4), np.float32), run, usual_distances(run))).all()
