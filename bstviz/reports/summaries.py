"""Runs by setting, and the tables and words about them in :mod:`bstviz.reports.sections`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bstviz.evaluation import out_of_fold
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.evaluation.out_of_fold import OutOfFold, Setting
from bstviz.models.config import DEFAULT_LOSS, MODALITIES, modality_words
from bstviz.models.run import Run
from bstviz.models.run_info import RunInfo
from bstviz.reports.table import MODELS, TABLE_METRICS, recipe_of

LEVELS = {"top": "Top", "second": "Second"}
"""Both levels, as they head columns."""
STRUCTURE = {
    "silhouette": ("Silhouette", "How much nearer sounds are to their own class than to the next one, −1 to 1."),
    "knn_purity": ("Neighbour purity", "Share of the ten nearest sounds that have the same class."),
    "retrieval_map": ("Retrieval mAP", "Whether the nearest sounds are of the same class, 0 to 1."),
    "tree_correlation": (
        "Agreement with the taxonomy",
        "Rank correlation of class distances with those in its tree, −1 to 1; one number for both levels.",
    ),
}
"""Title and one sentence for each measure of :func:`bstviz.latent.structure.structure`, which are at both levels: what
one gains and the other loses is told by the same measure.
"""
COMPARED = {**STRUCTURE, "accuracy": ("Accuracy", "For comparison: the price or gain of the structure.")}
"""Measures of the comparison of losses, with a sentence each; larger is better in all."""


def metric_at(level: str, measure: str) -> str | None:
    """Name of the metric that a measure of :data:`COMPARED` is at a level; what is of both levels stands at the top."""
    if measure != "tree_correlation":
        return f"{level}_{measure}"
    return measure if level == "top" else None


STRUCTURE_METRICS = [name for measure in STRUCTURE for level in LEVELS if (name := metric_at(level, measure))]
"""Names of the metrics of structure."""


def spread_over_folds(values: Sequence[float] | np.ndarray) -> str:
    """Mean and standard deviation over folds, the mean alone of one fold, a dash without any."""
    known = [v for v in values if not np.isnan(v)]
    if not known:
        return "–"
    return f"{np.mean(known):.3f}" + (f" ± {np.std(known):.3f}" if len(known) > 1 else "")


PANELS = (("flat", 1), ("hierarchical", 1), ("hierarchical", 3), ("hierarchical", 4))
"""Loss and annotation confidence threshold of each panel of the paper's figure 2."""


def named_settings(
    infos: Sequence[RunInfo], *, losses_apart: bool = True, thresholds_apart: bool = True
) -> dict[str, list[RunInfo]]:
    """Runs by setting, one per fold, under names that say what tells the settings apart.

    Args:
        infos: The runs.
        losses_apart: Hierarchical and flat are two settings; else the runs of both that share all else are one.
        thresholds_apart: Runs trained at two annotation confidence thresholds are two settings; else those that
            share all else are one.
    """
    groups: dict[Setting, list[RunInfo]] = {}
    for setting, members in out_of_fold.settings(infos).items():
        key = setting if losses_apart else replace(setting, train=replace(setting.train, loss=DEFAULT_LOSS))
        key = key if thresholds_apart else replace(key, train=replace(key.train, min_confidence=1))
        groups.setdefault(key, []).extend(members)

    hashes = Counter(name for name, _ in {(s.collection, s.hash) for s in groups})
    kinds = Counter(name for name, _ in {(s.collection, s.split_kind) for s in groups})
    differing = [  # what settings may differ in besides, named where they do
        part
        for part in (
            lambda s: "" if s.external else s.train.variant or recipe_of(s.train),
            lambda s: "" if s.external else f"seed {s.train.seed}",
            lambda s: s.collection + (f" ({s.hash[:6]})" if hashes[s.collection] > 1 else ""),
            lambda s: s.split_kind if kinds[s.collection] > 1 else "",
            lambda s: f"extra training data {', '.join(s.extra_training_data)}" if s.extra_training_data else "",
            lambda s: f"predictions of run {s.answered_by[:6]}" if s.answered_by else "",
        )
        if len({part(setting) for setting in groups}) > 1
    ]

    several_texts = len({members[0].text for members in groups.values()} - {None}) > 1

    def words(setting: Setting) -> str:
        train = setting.train
        if setting.external is not None:
            return " · ".join(filter(None, [setting.external.name, *(part(setting) for part in differing)]))
        modality = modality_words(train.modality, groups[setting][0].text if several_texts else train.text)
        loss = [MODELS[train.loss]] if losses_apart else []
        confidence = [train.words("min_confidence")] if thresholds_apart else []
        always = [*loss, modality, *confidence]
        return " · ".join(filter(None, [*always, *(part(setting) for part in differing)]))

    return {words(setting): members for setting, members in groups.items()}


def heading(metric: str) -> str:
    """A metric of the table on a figure's axis."""
    return TABLE_METRICS[metric] if metric == "hierarchical_f1" else f"{TABLE_METRICS[metric]} accuracy"


def folds_in_words(count: int) -> str:
    """A number of folds."""
    return f"{count} fold{'s' * (count != 1)}"


def losses_compared(chosen: Sequence[RunInfo]) -> tuple[pd.DataFrame, int] | None:
    """Structure and accuracy of hierarchical and flat runs that share everything but the loss, fold by fold.

    Args:
        chosen: Runs of one collection, modality, threshold and kind of folds.

    Returns:
        One row per measure and, for each level, of both losses the mean with its deviation where there are several
        folds, the mean difference, and on how many folds hierarchical is higher; and the number of folds that both
        have. None where there is no such fold.
    """
    by_loss: dict[str, dict[int, RunInfo]] = {"flat": {}, "hierarchical": {}}
    for info in chosen:
        if info.train.loss in by_loss:
            by_loss[info.train.loss].setdefault(info.fold, info)
    shared = sorted(set(by_loss["hierarchical"]) & set(by_loss["flat"]))
    if not shared:
        return None
    entries = []
    for measure, (label, meaning) in COMPARED.items():
        entry: dict[str, object] = {"Measure": label}
        for level, words in LEVELS.items():
            name = metric_at(level, measure)
            values = {
                loss: np.array([runs[fold].metrics.get(name or "", np.nan) for fold in shared])
                for loss, runs in by_loss.items()
            }
            difference = values["hierarchical"] - values["flat"]
            higher = f"{int((difference > 0).sum())} of {folds_in_words(len(shared))}"
            entry |= {f"{words}, {loss}": spread_over_folds(value) for loss, value in values.items()}
            entry |= {f"{words}, difference": difference.mean(), f"{words}, higher on": higher if name else "–"}
        entry["What it says"] = meaning
        entries.append(entry)
    return pd.DataFrame(entries), len(shared)


def compared_on(folds: int) -> str:
    """What the comparison of losses is over."""
    spread = "; mean and deviation over folds." if folds > 1 else "."
    return (
        f"On the test sounds of {folds_in_words(folds)} that both have, in all 64 dimensions, cosine distance{spread}"
    )


def pooled(runs: Sequence[Run]) -> OutOfFold:
    """Out-of-fold predictions of a setting's folds, at or above its own annotation confidence threshold."""
    answers = out_of_fold.pool(runs)
    return answers.where(answers.tested)


def panels(infos: Sequence[RunInfo]) -> tuple[list[RunInfo], list[str]]:
    """The runs of the paper's figure 2 among those of one fold, of the fullest modality and its first text, and their
    titles; of several training seeds the lowest that a setting has.
    """
    modality = next(m for m in reversed(MODALITIES) if any(i.train.modality == m for i in infos))
    text = min(i.train.text or "" for i in infos if i.train.modality == modality)
    there: dict[tuple[str, int], RunInfo] = {}
    for info in sorted(infos, key=lambda i: i.train.seed):
        if (info.train.modality, info.train.text or "") == (modality, text):
            there.setdefault((info.train.loss, info.train.min_confidence), info)
    chosen = [there[setting] for setting in PANELS if setting in there]
    titles = [f"{MODELS[i.train.loss]}, {i.train.words('modality', 'min_confidence', between=', ')}" for i in chosen]
    return chosen, titles


def seeds_in_words(chosen: Sequence[RunInfo], infos: Sequence[RunInfo]) -> str:
    """Which training seeds some runs are of, as a sentence, where those that they were chosen among are of several."""
    known = sorted({info.train.seed for info in infos})
    if len(known) < 2:
        return ""
    own = list(dict.fromkeys(info.train.seed for info in chosen))
    shown = f"seed {own[0]}" if len(own) == 1 else f"in order seeds {', '.join(str(i.train.seed) for i in chosen)}"
    return f"Of the training seeds {', '.join(map(str, known))} the lowest of each setting: {shown}."


def calibration_error(answers: OutOfFold) -> str:
    """Expected calibration error of a setting at both levels, in percent, mean and deviation over its folds; at the
    second level alone where the model gave no probabilities but that of the predicted class.
    """
    folds = [fold for i in range(len(answers.runs)) if len(fold := answers.where(answers.member == i))]
    words = []
    levels = {"second": None, "top": answers.taxonomy.parents}
    if answers.runs[0].given == "score":
        del levels["top"]
    for level, parents in levels.items():
        errors = [100 * expected_calibration_error(f.y_true, f.probabilities, parents=parents) for f in folds]
        deviation = f" ± {np.std(errors):.1f}" if len(errors) > 1 else ""
        words.append(f"{np.mean(errors):.1f}{deviation} % at the {level} level")
    return ", ".join(words)
