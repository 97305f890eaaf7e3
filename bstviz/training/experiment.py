"""Experiments in one call: the folds of one setting, or the grid of a preset; what the commands train and sweep do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import Folds, choose_folds
from bstviz.errors import UserError
from bstviz.latent.projection import UmapSettings
from bstviz.models import config
from bstviz.models.config import Loss, Modality, exact_epochs
from bstviz.models.experiment_folder import run_folder
from bstviz.models.run import Run, load_run
from bstviz.training.preset import Grid, SweepPreset, grid_of, load_preset
from bstviz.training.sweep import run_sweep


def train(
    collection: Collection,
    *,
    loss: Loss = "hierarchical",
    modality: Modality = "audio",
    text: str | None = None,
    recipe: str = "default",
    min_confidence: int = 1,
    folds: int | str = 5,
    group: str | None = None,
    fold_column: str | None = None,
    epochs: int | None = None,
    umap: bool = True,
    seed: int = 0,
    fold_seed: int = 0,
    also: Sequence[Collection] = (),
    device: str = "cpu",
    out: str | Path | None = None,
    **changes: Any,
) -> list[Run]:
    """Train one setting on every fold of a collection: a sweep of one point.

    Args:
        collection: Sounds with the embeddings that ``modality`` takes.
        loss: ``flat`` or ``hierarchical``.
        modality: ``audio``, ``text`` or ``both``.
        text: Which of its text configurations, as ``title+tags``; its first one when left out.
        recipe: Named training config: ``default``, ``paper`` or ``hatr``.
        min_confidence: Least annotation confidence (1 to 5) of the sounds to train and test on.
        folds: Number of stratified folds, over which a column ``test_fold`` of the collection takes precedence, or
            the name of an assignment: ``published`` (BSD10k-v1.2), ``hatr`` (the authors' code's).
        group: Column whose sounds are kept in the same fold.
        fold_column: Column with the data's own folds.
        epochs: Exactly so many, however few steps that is; the recipe's when left out.
        umap: Make the UMAP projections too.
        seed: Of training and UMAP.
        fold_seed: Of the stratified folds.
        also: Further collections to train on, with the same encoders and classes; the first one alone is tested and
            listed, and sounds that it has too, by id or content, are left out of the others.
        device: Torch device.
        out: Folder of the experiment, where every run is kept as it is done; called again, it goes on with what is
            missing. The runs stay in memory alone when left out.
        changes: Further settings of :class:`bstviz.models.config.TrainConfig` to change in the recipe.

    Returns:
        One run per fold, in fold order.

    Raises:
        UserError: An embedding is missing, a setting is not allowed, there are too few sounds, or ``out`` holds an
            experiment of other settings.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> collection = bstviz.load_collection(assets() / "demo")
        >>> runs = bstviz.train(collection, loss="flat", modality="text", folds=2, epochs=2, umap=False)
        >>> [run.id for run in runs]
        ['flat-text-c1-fold0', 'flat-text-c1-fold1']
        >>> bstviz.evaluate(runs)["n"]
        1104.0
    """
    chosen = {"loss": loss, "modality": modality, "min_confidence": min_confidence, "seed": seed}
    text = collection.with_text(text).chosen_text
    setting = config.recipe(recipe, **chosen, text=text, **exact_epochs(epochs), **changes)
    assignment = choose_folds(collection, folds=folds, group=group, column=fold_column, seed=fold_seed)
    projected = UmapSettings(seed=seed) if umap else None
    if out is not None:
        grid = Grid((setting,), (), ())
        return _finished(collection, assignment, grid, out, extra=also, device=device, umap=projected)
    from bstviz.training.train import train_folds

    all_folds = range(assignment.count)
    return train_folds(collection, assignment, all_folds, setting, extra=also, device=device, umap=projected)


def sweep(
    collection: Collection,
    preset: str | Path | SweepPreset = "table1",
    *,
    out: str | Path,
    recipe: str | None = None,
    folds: int | str = 5,
    group: str | None = None,
    fold_column: str | None = None,
    epochs: int | None = None,
    baselines: bool = True,
    umap: bool = False,
    seed: int | None = None,
    seeds: Sequence[int] = (),
    variants: Sequence[str] = (),
    fold_seed: int = 0,
    also: Sequence[Collection] = (),
    jobs: int = 1,
    device: str = "cpu",
    **changes: Any,
) -> list[Run]:
    """Train a preset's grid of settings on the same folds, as the paper's table 1; called again, it goes on.

    Args:
        collection: Sounds with embeddings; settings that need what it lacks are left out.
        preset: Named sweep, the path of a .toml file of one's own, or a :class:`SweepPreset`.
        out: Folder of the experiment; ``bstviz report`` and ``bstviz app --experiment`` take it.
        recipe: Another training recipe than the preset's.
        folds: As for :func:`train`, like ``group``, ``fold_column``, ``epochs``, ``umap``, ``fold_seed``, ``also`` and
            ``device``.
        seed: The one training seed; the preset's, or 0, when left out.
        seeds: Several training seeds, in place of the preset's.
        variants: Only these of the preset's variants, beside the recipe itself.
        baselines: Fit the preset's baselines too; they are kept in ``out``.
        jobs: Worker processes; with several, a script calls this under ``if __name__ == "__main__":``.
        changes: Further settings of :class:`bstviz.models.config.TrainConfig`, the same for all.

    Returns:
        The runs, setting by setting, in fold order.

    Raises:
        UserError: There is no such preset, nothing of it can be trained on the collection, or ``out`` holds an
            experiment of other settings.

    Examples:
        >>> import bstviz
        >>> from bstviz.training.preset import SweepPreset
        >>> from bstviz.paths import assets
        >>> from tempfile import TemporaryDirectory
        >>> collection = bstviz.load_collection(assets() / "demo")
        >>> losses = SweepPreset("losses", modalities=("text",))  # or the path of a .toml file
        >>> with TemporaryDirectory() as folder:
        ...     runs = bstviz.sweep(collection, losses, out=folder, folds=2, epochs=1)
        >>> [run.id for run in runs if run.fold == 0]
        ['hierarchical-text-c1-fold0', 'flat-text-c1-fold0']
    """
    named = preset if isinstance(preset, SweepPreset) else load_preset(str(preset))
    trained, tried = chosen_seeds(seed, seeds), tuple(variants)
    chosen = named.changed(recipe=recipe, baselines=baselines, epochs=epochs, seeds=trained, variants=tried)
    grid = grid_of(chosen, collection, **changes)
    assignment = choose_folds(collection, folds=folds, group=group, column=fold_column, seed=fold_seed)
    projected = UmapSettings(seed=grid.settings[0].seed) if umap else None
    return _finished(collection, assignment, grid, out, extra=also, jobs=jobs, device=device, umap=projected)


def chosen_seeds(seed: int | None, seeds: Sequence[int]) -> tuple[int, ...]:
    """Training seeds of a sweep by one number or several; none where neither is given.

    Raises:
        UserError: Both are given.
    """
    if seed is not None and seeds:
        raise UserError("--seed and --seeds exclude each other: one training seed, or several.")
    return (seed,) if seed is not None else tuple(seeds)


def _finished(
    collection: Collection, folds: Folds, grid: Grid, out: str | Path, *, jobs: int = 1, **options: Any
) -> list[Run]:
    """Do what is missing of a sweep and load all its runs."""
    for _ in run_sweep(collection, folds, grid, out, jobs=jobs, **options):
        pass
    return [load_run(run_folder(out, setting, fold)) for setting in grid.settings for fold in range(folds.count)]
