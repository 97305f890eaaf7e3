"""Out-of-fold predictions: those of a setting's models for sounds that they were not trained on, over all folds.

Every fold is a latent space of its own, so predictions are pooled and latents never are. Whatever judges a setting as a
whole (confusion, accuracy by class, label quality, reports) starts here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.latent import structure
from bstviz.models.config import DEFAULT_LOSS, EXTERNAL, LOSSES, MODALITIES, TrainConfig
from bstviz.models.predict import network_probabilities
from bstviz.models.run import Run
from bstviz.models.run_info import ExternalModel, RunInfo

Info = TypeVar("Info", bound=RunInfo)


@dataclass(frozen=True)
class Setting:
    """What the folds of one experiment share: everything but the fold; another training seed is another setting.

    Attributes:
        collection: Name of the collection.
        hash: Of the collection.
        split_kind: How the folds were made.
        train: Settings of the training.
        answered_by: Which run answered, of inference-only runs.
        external: Which model predicted, where that was trained elsewhere.
        extra_training_data: Names of further collections that were trained on.
    """

    collection: str
    hash: str
    split_kind: str
    train: TrainConfig
    answered_by: str | None = None
    external: ExternalModel | None = None
    extra_training_data: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Loss, modality, threshold, variant if named, and seed if not 0, as people tell settings apart; the name of a
        model that was trained elsewhere.
        """
        if self.external is not None:
            return self.external.name
        variant = f" · {self.train.variant}" if self.train.variant else ""
        seed = f" · seed {self.train.seed}" if self.train.seed else ""
        also = f" · extra training data {', '.join(self.extra_training_data)}" if self.extra_training_data else ""
        words = self.train.words("loss", "modality")
        return f"{words} · trained on {self.train.words('min_confidence')}{variant}{also}{seed}"

    @property
    def but_for_the_loss(self) -> Setting:
        """The same of settings that differ in the loss alone; of inference-only runs, also in which run answered."""
        return replace(self, train=replace(self.train, loss=DEFAULT_LOSS), answered_by=self.answered_by and "")


def setting_of(info: RunInfo) -> Setting:
    """The setting that a run belongs to."""
    about = info.collection
    return Setting(
        about.name,
        about.hash,
        info.split_kind,
        info.train,
        answered_by=info.answered_by,
        external=info.external,
        extra_training_data=info.extra_training_data,
    )


def differ_in_loss_alone(one: RunInfo, other: RunInfo) -> bool:
    """Whether two runs differ in the loss, and in nothing else that was chosen."""
    if one.fold != other.fold or one.train.loss == other.train.loss:
        return False
    return setting_of(one).but_for_the_loss == setting_of(other).but_for_the_loss


def settings(infos: Iterable[Info]) -> dict[Setting, list[Info]]:
    """Runs by setting, one per fold in fold order (the first of each is taken).

    Settings come by collection, folds, threshold, modality, text, loss (in the order of
    :data:`bstviz.models.config.LOSSES`), variant and seed.
    """
    groups: dict[Setting, dict[int, Info]] = {}
    for info in infos:
        groups.setdefault(setting_of(info), {}).setdefault(info.fold, info)

    def order(setting: Setting) -> tuple[Any, ...]:
        train = setting.train
        modality = (-MODALITIES.index(train.modality), train.text or "")
        place = (train.min_confidence, *modality, (*LOSSES, EXTERNAL).index(train.loss), train.variant, train.seed)
        named = setting.external.name if setting.external else ""
        return (setting.collection, setting.split_kind, *place, setting.extra_training_data, named)

    return {s: [groups[s][fold] for fold in sorted(groups[s])] for s in sorted(groups, key=order)}


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for n sounds, each by the run in whose test fold it lies; in fold order, then in the run's order.

    Attributes:
        runs: Of one setting, one per fold.
        member: (n,) int64, which of the runs predicts it.
        row: (n,) int64, the sound's row in that run.
        annotation_confidence: (n,) float64 annotation confidence 1 to 5, NaN without one.
    """

    runs: tuple[Run, ...]
    member: np.ndarray
    row: np.ndarray
    annotation_confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    @property
    def setting(self) -> Setting:
        """What the runs share."""
        return setting_of(self.runs[0])

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes."""
        return self.runs[0].taxonomy

    @cached_property
    def sound_ids(self) -> np.ndarray:
        """(n,) str."""
        return self._gathered([run.sounds["sound_id"].to_numpy(object) for run in self.runs])

    @cached_property
    def folds(self) -> np.ndarray:
        """(n,) int64 test folds."""
        return np.take([run.fold for run in self.runs], self.member)

    @cached_property
    def y_true(self) -> np.ndarray:
        """(n,) int64 second-level labels."""
        return self._gathered([run.y_true for run in self.runs])

    @cached_property
    def y_pred(self) -> np.ndarray:
        """(n,) int64 predicted second-level labels: ``argmax``, as everywhere where something is measured."""
        return self.taxonomy.argmax(self.probabilities)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(n, C) float32."""
        return self._gathered([run.probabilities for run in self.runs])

    @cached_property
    def network_probabilities(self) -> np.ndarray:
        """(n, C) float32 of the networks alone, without the share of their kNN datastores."""
        return self._gathered([network_probabilities(run) for run in self.runs])

    @property
    def retrieves(self) -> bool:
        """Whether a kNN datastore has a share in any of the probabilities."""
        return any(run.datastore is not None and run.datastore.share > 0 for run in self.runs)

    @cached_property
    def tested(self) -> np.ndarray:
        """(n,) bool, whether a sound is at or above the annotation confidence threshold of the setting."""
        return self._gathered([run.tested for run in self.runs])

    @cached_property
    def attention(self) -> np.ndarray:
        """(n, 2) float32 weights of audio and text in equation 2, summing to 1."""
        columns = ["attention_audio", "attention_text"]
        return self._gathered([run.sounds[columns].to_numpy(np.float32) for run in self.runs])

    def _gathered(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        out = np.empty((len(self), *parts[0].shape[1:]), parts[0].dtype)
        for member, part in enumerate(parts):
            own = self.member == member
            out[own] = part[self.row[own]]
        return out

    def where(self, mask: np.ndarray) -> OutOfFold:
        """Only some of the sounds: (n,) bool, or rows."""
        return replace(
            self, member=self.member[mask], row=self.row[mask], annotation_confidence=self.annotation_confidence[mask]
        )

    def at_least(self, threshold: int) -> OutOfFold:
        """The sounds whose annotation confidence reaches a threshold; 1 includes those without one."""
        return self if threshold <= 1 else self.where(self.annotation_confidence >= threshold)


def pool(runs: Sequence[Run], sounds: pd.DataFrame | None = None) -> OutOfFold:
    """Pool the labelled sounds of the test folds of a setting's runs, those under its threshold among them.

    Args:
        runs: Of one setting, one per fold.
        sounds: The collection's table, for the annotation confidence; without it there is none.

    Raises:
        UserError: The runs are of several settings, share a fold, test a sound twice, or test no labelled sound.
    """
    if len({setting_of(run) for run in runs}) != 1 or len({run.fold for run in runs}) != len(runs):
        raise UserError("Out-of-fold predictions are pooled over the folds of one setting, one run per fold.")
    rows = [np.flatnonzero(run.held_out & (run.y_true >= 0)) for run in runs]
    member, row = np.repeat(np.arange(len(runs)), [len(r) for r in rows]), np.concatenate(rows)
    if not len(row):
        raise UserError("These runs have no test sound with a class, so they cannot be evaluated.")
    pooled = OutOfFold(tuple(runs), member, row, np.full(len(row), np.nan))
    if (again := pd.Index(pooled.sound_ids).duplicated()).any():
        raise UserError(
            f"Folds {', '.join(str(run.fold) for run in runs)} of {pooled.setting.name} are not of the same folds: the "
            f"sound {pooled.sound_ids[again.argmax()]!r} is tested in two of them. Train them again on the same folds."
        )
    if sounds is None:
        return pooled
    table = sounds.set_index("sound_id")["confidence"].astype("Float64").astype(float)
    return replace(pooled, annotation_confidence=table.reindex(pd.Index(pooled.sound_ids)).to_numpy(float))


def evaluate(runs: Run | Sequence[Run]) -> dict[str, float]:
    """Metrics and latent structure of a setting on its test sounds, at or above its annotation confidence threshold.

    Args:
        runs: A run, or the runs of one setting, one per fold. Predictions are pooled over folds before they are
            counted; every fold is a latent space of its own, so measures of structure are means over folds.

    Returns:
        The entries of :func:`bstviz.evaluation.metrics.evaluate` and of :func:`bstviz.latent.structure.structure` by
        name.

    Raises:
        UserError: There is no run, no test sound with a class, or the runs are of several settings or share a fold.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> hierarchical, flat = (
        ...     bstviz.evaluate(bstviz.load_run(assets() / "runs" / f"{loss}-audio-c1-fold0"))
        ...     for loss in ("hierarchical", "flat")
        ... )
        >>> for level in ("top", "second"):
        ...     name = f"{level}_silhouette"
        ...     print(f"{name}: {flat[name]:.2f} flat, {hierarchical[name]:.2f} hierarchical")
        top_silhouette: 0.25 flat, 0.70 hierarchical
        second_silhouette: 0.26 flat, -0.15 hierarchical
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise UserError("There is no run to evaluate; give one, or the runs of one setting, one per fold.")
    answers = pool(runs)
    answers = answers.where(answers.tested)
    parents = answers.taxonomy.parents
    structures = [
        structure.structure(run.latents[rows], run.y_true[rows], parents)
        for member, run in enumerate(runs)
        if run.latent_dim and len(rows := answers.row[answers.member == member])
    ]
    names = structures[0] if structures else ()
    means = {name: float(np.mean([values[name] for values in structures])) for name in names}
    return metrics.evaluate(answers.y_true, answers.probabilities, parents, given=runs[0].given) | means
