"""Hierarchical against flat: settings that differ in nothing but the loss, compared on the sounds that both test."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.evaluation import bootstrap, out_of_fold, paired
from bstviz.evaluation.confusion import shared_test
from bstviz.evaluation.paired import Comparison
from bstviz.jobs.background_process import Report
from bstviz.models.config import Loss
from bstviz.models.experiment_folder import load_infos
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import RunInfo
from bstviz.reports import summaries
from bstviz.reports.table import MODELS, recipe_of

GROUPED_BY = "uploader"
"""Column of the collection whose sounds are drawn together."""
LOSSES_COMPARED: tuple[Loss, Loss] = ("flat", "hierarchical")
"""First and second of a comparison: differences are hierarchical minus flat."""
RETRIEVAL_WORDS = {True: "blended in", False: "left out", None: "none"}


@dataclass(frozen=True, eq=False)
class LossComparison:
    """Two settings that differ in nothing but the loss, compared.

    Attributes:
        infos: Their runs.
        folds: How many folds both have.
        grouped: Whether all sounds of a :data:`GROUPED_BY` are drawn together; else every sound alone.
        retrieval: Whether the votes of the kNN datastores are blended into the answers, as the runs hold them, or left
            out; None where the runs have none.
        taxonomy: The classes.
        result: Of the comparison.
    """

    infos: Sequence[RunInfo]
    folds: int
    grouped: bool
    retrieval: bool | None
    taxonomy: Taxonomy
    result: Comparison


def collection_of(info: RunInfo) -> Collection | None:
    """The collection of a run; None where it is not where it was, or has changed."""
    try:
        return info.load_collection()
    except UserError:
        return None


def compare_losses(runs: Sequence[Run], sounds: pd.DataFrame | None) -> list[LossComparison]:
    """Hierarchical against flat runs that share everything but the loss.

    Args:
        runs: Of one collection, kind of folds, modality, threshold, recipe and seed, one per fold and loss.
        sounds: The collection's table, for uploaders; without it every sound is drawn alone.

    Returns:
        As the runs answer and, where kNN datastores that are here have a share in that, by their networks alone;
        nothing where a loss is missing or no sound is tested by both.
    """
    by_loss = {setting.train.loss: members for setting, members in out_of_fold.settings(runs).items()}
    if not set(LOSSES_COMPARED) <= set(by_loss):
        return []
    shared = shared_test(*(summaries.pooled(by_loss[loss]) for loss in LOSSES_COMPARED))
    first, second = shared.first, shared.second
    if not len(first):
        return []
    groups = _groups(sounds)
    units = bootstrap.unit_codes(first.sound_ids, groups)
    answers = [(first.probabilities, second.probabilities)]
    retrieves = first.retrieves or second.retrieves
    votes = retrieves or any(run.train.retrieval and not run.predicts for run in (*first.runs, *second.runs))
    if retrieves:
        answers.append((first.network_probabilities, second.network_probabilities))
    return [
        LossComparison(
            infos=runs,
            folds=len(np.unique(first.folds)),
            grouped=bool(groups),
            retrieval=retrieval if votes else None,
            taxonomy=first.taxonomy,
            result=paired.compare(first.y_true, *probabilities, first.taxonomy, units),
        )
        for retrieval, probabilities in zip((True, False), answers, strict=False)
    ]


def compared_apart(runs: Sequence[Run], sounds: pd.DataFrame | None, *, report: Report) -> list[LossComparison]:
    """:func:`compare_losses` as a piece of work for :mod:`bstviz.jobs.background`; the runs, which who asks for it has,
    do not come back with the answer.
    """
    return [dataclasses.replace(found, infos=()) for found in compare_losses(runs, sounds)]


def compare_stored(infos: Sequence[RunInfo]) -> list[LossComparison]:
    """:func:`compare_losses` of runs as they lie on disk, with the uploaders of their collection where it is found."""
    if not set(LOSSES_COMPARED) <= {info.train.loss for info in infos}:
        return []
    collection = collection_of(infos[0])
    return compare_losses([load_run(i.folder or Path()) for i in infos], collection.sounds if collection else None)


def _groups(sounds: pd.DataFrame | None) -> dict[str, str]:
    """Uploader by sound id, of the sounds that have one."""
    if sounds is None or GROUPED_BY not in sounds:
        return {}
    known = sounds.set_index("sound_id")[GROUPED_BY].dropna()
    return {str(sound): str(group) for sound, group in known.items()}


def measures_frame(found: Sequence[LossComparison]) -> pd.DataFrame:
    """The measures of comparisons in percent, one row per measure and way to answer."""
    rows = []
    for name, title in paired.MEASURES.items():
        for comparison in found:
            measure = comparison.result.measures.loc[[name]].to_dict("records")[0]
            p = {"McNemar p": p_in_words(measure["mcnemar_p"]), "Bootstrap p": p_in_words(measure["bootstrap_p"])}
            rows.append({"Measure": title, **_shared_columns(comparison, measure, comparison.result.sounds, p)})
    return pd.DataFrame(rows)


def classes_frame(found: Sequence[LossComparison]) -> pd.DataFrame:
    """Classes that differ after Holm's correction, the greatest difference first; empty where there are none."""
    rows: list[dict[str, Any]] = []
    for comparison in found:
        names = [c.name for c in comparison.taxonomy.second]
        for row in comparison.result.differing.to_dict("records"):
            p = {f"{test} p, Holm": p_in_words(row[f"{test.lower()}_holm"]) for test in ("McNemar", "Bootstrap")}
            name = f"{names[row['label']]} ({row['code']})"
            rows.append({"Class": name, **_shared_columns(comparison, row, row["sounds"], p)})
    rows.sort(key=lambda row: -abs(float(row["Difference"])))
    return pd.DataFrame(rows)


def _shared_columns(
    comparison: LossComparison, row: Mapping[Hashable, Any], sounds: int, p: Mapping[str, str]
) -> dict[str, Any]:
    """Columns of both tables: accuracy of both losses, their difference, its interval and p, and the test sounds."""
    first, second = (MODELS[loss] for loss in LOSSES_COMPARED)
    return {
        "Retrieval": RETRIEVAL_WORDS[comparison.retrieval],
        first: 100 * float(row["first"]),
        second: 100 * float(row["second"]),
        "Difference": 100 * float(row["difference"]),
        "95 %": _interval(row["low"], row["high"]),
        **p,
        "Test sounds": int(sounds),
    }


def _interval(low: float, high: float) -> str:
    return "–" if pd.isna(low) else f"[{100 * low:+z.2f}, {100 * high:+z.2f}]"


def p_in_words(p: float) -> str:
    """A p value, a dash where there is none."""
    if pd.isna(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def drawn_in_words(comparison: LossComparison) -> str:
    """What the figures are over, and how they are tested."""
    result = comparison.result
    units = "sounds one by one"
    if comparison.grouped:
        units = f"all sounds of one {GROUPED_BY} together, a sound without one alone ({result.units:,} in all)"
    few = "" if result.units >= bootstrap.LEAST_UNITS else f" Of fewer than {bootstrap.LEAST_UNITS} it says nothing."
    return (
        f"{result.sounds:,} test sounds of {summaries.folds_in_words(comparison.folds)} that both answer, pooled. "
        "Accuracy and F1 in percent; by argmax the top-level class is the parent of the best second-level class, by "
        "summed mass the one whose classes are the most probable together. "
        "The difference is hierarchical minus non-hierarchical, in points. Its interval and the bootstrap's "
        f"p: {paired.PAIRED_RESAMPLES:,} draws of {units}.{few} McNemar's exact test takes every sound as independent."
    )


def classes_in_words(found: Sequence[LossComparison]) -> str:
    """How many classes differ after Holm's correction, of how many that were tested."""
    parts = []
    for comparison in found:
        result = comparison.result
        where = "" if comparison.retrieval is None else f" with retrieval {RETRIEVAL_WORDS[comparison.retrieval]}"
        parts.append(f"{len(result.differing)} of {result.tested} tested{where}")
    untested = len(found[0].result.classes) - found[0].result.tested
    units = f"{GROUPED_BY}s" if found[0].grouped else "sounds"
    few = f" {untested} not tested: sounds of fewer than {bootstrap.LEAST_UNITS} {units}." if untested else ""
    return (
        f"Classes whose accuracy differs: {'; '.join(parts)}. That is p < {paired.SIGNIFICANT} after Holm's correction "
        f"in both tests.{few}"
    )


def of_experiments(experiments: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Every comparison that the runs of experiment folders allow, for programs: shares of 1, all classes.

    Raises:
        UserError: A folder holds no run.
    """
    infos, _ = load_infos(experiments)
    pairs = summaries.named_settings(infos, losses_apart=False).values()
    return [_entry(comparison) for members in pairs for comparison in compare_stored(members)]


def _entry(comparison: LossComparison) -> dict[str, Any]:
    info, result = comparison.infos[0], comparison.result
    return {
        "collection": info.collection.name,
        "split_kind": info.split_kind,
        "modality": info.train.modality,
        "text": info.text,
        "min_confidence": info.train.min_confidence,
        "variant": info.train.variant,
        "recipe": recipe_of(info.train),
        "seed": info.train.seed,
        "folds": comparison.folds,
        "retrieval": RETRIEVAL_WORDS[comparison.retrieval],
        "sounds": result.sounds,
        "units": result.units,
        "drawn_by": GROUPED_BY if comparison.grouped else "sound",
        "measures": _records(result.measures.reset_index()),
        "classes_tested": result.tested,
        "classes_differing": result.differing["code"].tolist(),
        "classes": _records(result.classes.drop(columns="label")),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows by column name, with the losses' names and None for what is missing."""
    names: dict[str, str] = dict(zip(("first", "second"), LOSSES_COMPARED, strict=True))
    names |= {f"only_{place}": f"only_{loss}" for place, loss in names.items()}
    table = table.rename(columns=names).astype(object)
    return [dict(row) for _, row in table.where(table.notna(), None).iterrows()]
