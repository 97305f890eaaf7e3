"""Headline figures of an experiment: the hierarchical model beside the flat one, out of fold, with intervals."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.evaluation import bootstrap
from bstviz.evaluation.confusion import shared_test
from bstviz.evaluation.out_of_fold import OutOfFold
from bstviz.models.config import LOSSES
from bstviz.models.run_info import RunInfo
from bstviz.reports import summaries
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components.terms import meaning
from bstviz.ui.kept import kept

MEASURED_HERE = {"second_accuracy": "Second level", "top_accuracy": "Top level", "hierarchical_f1": "Hierarchical F1"}
"""Of :data:`bstviz.evaluation.bootstrap.MEASURED`, with what they are called, and the terms that explain them."""
SILHOUETTE = "top_silhouette"


@dataclass(frozen=True, eq=False)
class Headline:
    """What is measured of one setting or two.

    Attributes:
        settings: Runs of each, one per fold; the main one first.
        measures: For each, as :func:`bstviz.evaluation.bootstrap.measures` gives them.
        change: Second-level accuracy of the first minus that of the second on the sounds that both test, and its
            interval; None of one setting, or where they share no test sound.
        sounds: Test sounds of the first.
        units: What is drawn: "sounds" or "uploaders".
    """

    settings: tuple[tuple[Loaded, ...], ...]
    measures: tuple[pd.DataFrame, ...]
    change: tuple[float, float, float] | None
    sounds: int
    units: str


def headline(settings: Sequence[Sequence[RunInfo]]) -> Headline:
    """Measure one setting or two, once while the server runs.

    Raises:
        UserError: A setting tests no sound with a class.
    """
    return _headline(tuple(tuple(loading.load(info.folder or Path()) for info in own) for own in settings))


@kept(max_entries=16, hash_funcs={Loaded: identity_of})
def _headline(settings: tuple[tuple[Loaded, ...], ...]) -> Headline:
    pooled = [summaries.pooled([loaded.run for loaded in folds]) for folds in settings]
    groups, units = _drawn_together(settings[0][0], pooled[0])
    change = None
    if len(pooled) > 1:
        shared = shared_test(pooled[0], pooled[1])
        if len(shared.first):
            found = bootstrap.accuracies([shared.second, shared.first], groups).iloc[1]
            change = float(found["change"]), float(found["change_low"]), float(found["change_high"])
    measures = tuple(bootstrap.measures(answers, groups) for answers in pooled)
    return Headline(settings, measures, change, len(pooled[0]), units)


def _drawn_together(loaded: Loaded, answers: OutOfFold) -> tuple[Mapping[str, str], str]:
    """Uploader of each sound and what is drawn; sounds alone where there are too few uploaders for an interval."""
    collection = loaded.collection
    if collection is not None and "uploader" in collection.sounds:
        known = collection.sounds.set_index("sound_id")["uploader"].dropna().astype(str)
        own = known[known.index.isin(answers.sound_ids)]
        if own.nunique() >= bootstrap.LEAST_UNITS:
            return {str(sound): str(name) for sound, name in own.items()}, "uploaders"
    return {}, "sounds"


def figures_table(found: Headline) -> str:
    """HTML of the figures: a row for each measure, a column for each setting."""
    infos = [folds[0].run for folds in found.settings]
    heads = "".join(f"<th>{_dot(info)}{html.escape(_name(info))}</th>" for info in infos)
    rows = []
    for name, words in MEASURED_HERE.items():
        cells = "".join(
            f"<td>{_cell(*measures.loc[name, ['value', 'low', 'high']])}</td>" for measures in found.measures
        )
        rows.append(f'<tr><th scope="row" title="{html.escape(meaning(words))}">{words}</th>{cells}</tr>')
    silhouettes = [[loaded.run.metrics.get(SILHOUETTE, np.nan) for loaded in folds] for folds in found.settings]
    if not np.isnan(np.concatenate(silhouettes)).all():
        cells = "".join(f"<td><b>{summaries.spread_over_folds(own)}</b></td>" for own in silhouettes)
        words = "Silhouette"
        rows.append(f'<tr><th scope="row" title="{html.escape(meaning(words))}">{words}, top level</th>{cells}</tr>')
    return f'<table class="headline"><thead><tr><td></td>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def figures_caption(found: Headline) -> str:
    """What the figures are of, in words."""
    folds = len(found.settings[0])
    said = f"Out of fold, {found.sounds:,} test sounds of {summaries.folds_in_words(folds)}; in brackets 95 % intervals"
    said += f" (bootstrap over {found.units}). "
    if found.change is not None:
        points, low, high = (100 * share for share in found.change)
        said += f"Second level, hierarchical minus non-hierarchical: {points:+.1f} points"
        said += "." if np.isnan(low) else f" ({low:+.1f} to {high:+.1f}): " + _in_words(low, high)
    return said


def _in_words(low: float, high: float) -> str:
    if low > 0:
        return "more often right."
    return "less often right." if high < 0 else "these sounds do not tell which is right more often."


def _name(info: RunInfo) -> str:
    return info.external.name if info.external is not None else LOSSES[info.train.loss].words  # type: ignore[index]


def _dot(info: RunInfo) -> str:
    color = LOSSES[info.train.loss].color if info.train.loss in LOSSES else "#7d8a99"
    return f'<i style="background:{color}"></i>'


def _cell(value: float, low: float, high: float) -> str:
    spread = "" if np.isnan(low) else f" <small>({100 * low:.1f} to {100 * high:.1f})</small>"
    return f"<b>{100 * value:.1f} %</b>{spread}"
