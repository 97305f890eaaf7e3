"""What sections say as tables and words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bstviz.latent.structure import structure
from bstviz.models.run import Run
from bstviz.reports.sections import SECTIONS, Chosen
from bstviz.reports.summaries import LEVELS, STRUCTURE_METRICS, losses_compared, metric_at, panels, spread_over_folds


def test_spread_over_folds_is_mean_and_deviation() -> None:
    assert spread_over_folds([0.25]) == "0.250"
    assert spread_over_folds([0.2, 0.4, float("nan")]) == "0.300 ± 0.100"
    assert spread_over_folds([]) == "–"


def test_all_measures_of_structure_are_shown_and_at_both_levels() -> None:
    latents = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    found = structure(latents, np.arange(40) % 4, np.array([0, 0, 1, 1]))
    assert set(STRUCTURE_METRICS) == set(found)
    assert [metric_at(level, "silhouette") for level in LEVELS] == ["top_silhouette", "second_silhouette"]
    assert [metric_at(level, "tree_correlation") for level in LEVELS] == ["tree_correlation", None]


def test_without_both_losses_nothing_is_compared(runs) -> None:
    assert losses_compared([runs["audio"]]) is None


def test_figure_2_takes_the_lowest_training_seed_and_says_so_where_there_are_several(runs: dict[str, Run]) -> None:
    def trained(loss: str, seed: int) -> Run:
        return replace(runs["audio"], train=replace(runs["audio"].train, loss=loss, seed=seed))

    def caption(infos: list[Run]) -> str:
        (figure,) = next(s for s in SECTIONS if s.name == "Latent spaces").blocks(Chosen(infos, load=lambda info: info))
        return figure.caption

    shuffled = [trained("flat", 10), trained("hierarchical", 2), trained("flat", 2)]
    assert [(i.train.loss, i.train.seed) for i in panels(shuffled)[0]] == [("flat", 2), ("hierarchical", 2)]
    assert "Of the training seeds 2, 10 the lowest of each setting: seed 2." in caption(shuffled)
    apart = [trained("flat", 1), trained("hierarchical", 0)]
    assert "Of the training seeds 0, 1 the lowest of each setting: in order seeds 1, 0." in caption(apart)
    assert "seed" not in caption([trained("flat", 1), trained("hierarchical", 1)])
