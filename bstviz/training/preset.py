"""Presets: sweeps by name, and the grid of settings and baselines that one comes to on a collection."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from bstviz import schema, stored
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.models.config import (
    LOSSES,
    MODALITIES,
    Loss,
    Modality,
    Threshold,
    TrainConfig,
    Variant,
    changed,
    exact_epochs,
    kinds_of,
    recipe,
)
from bstviz.schema import Line, Name, Seed
from bstviz.training.baselines import BaselineConfig, Method
from bstviz.training.zero_shot import embeds_text, zero_shot

AXIS = Meta(max_length=1_000)
"""Bound of a preset's lists."""
PRESET_BYTES = 2**20
SETTINGS = 10_000
"""Of a preset at most."""
PRESET_FOLDER = Path(__file__).parents[1] / "data" / "sweeps"


@dataclass(frozen=True)
class SweepPreset:
    """A named sweep, as a TOML file states it.

    Attributes:
        name: Of the file.
        losses: Of :data:`bstviz.models.config.LOSSES`.
        modalities: Of :data:`bstviz.models.config.MODALITIES`.
        texts: Text configurations, as ``title+tags``, of models that take text; the collection's first one where it has
            none of these, or none are named.
        min_confidences: Annotation confidence thresholds.
        baselines: Of :data:`bstviz.training.baselines.METHODS`.
        seeds: Training seeds, an axis of the sweep; the recipe's own (0) where there are none.
        recipe: Name of the recipe that all settings start from.
        train: Further changes to it, by the names of :class:`bstviz.models.config.TrainConfig`.
        variants: An axis of the sweep: besides the recipe itself, changes to it that are tried one at a time, each
            under a name. A loss is trained without those that change nothing but what it ignores.
    """

    name: Line
    losses: Annotated[tuple[Loss, ...], AXIS] = tuple(LOSSES)
    modalities: Annotated[tuple[Modality, ...], AXIS] = MODALITIES
    texts: Annotated[tuple[Name, ...], AXIS] = ()
    min_confidences: Annotated[tuple[Threshold, ...], AXIS] = (1,)
    baselines: Annotated[tuple[Method, ...], AXIS] = ()
    seeds: Annotated[tuple[Seed, ...], AXIS] = ()
    recipe: Line = "default"
    train: dict[Name, Any] = dataclasses.field(default_factory=dict)
    variants: Annotated[dict[Variant, dict[Name, Any]], AXIS] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        schema.check(self)
        for name in ("losses", "modalities", "texts", "min_confidences", "baselines", "seeds"):
            axis = getattr(self, name)
            if len(set(axis)) < len(axis):
                raise UserError(f"{name} is {', '.join(map(str, axis))}; each of them may stand once.")
        axes = (self.losses, self.modalities, self.texts, self.min_confidences, self.seeds, self.variants)
        if math.prod(len(axis) or 1 for axis in axes) > SETTINGS:
            raise UserError(f"Preset {self.name!r} comes to more than {SETTINGS:,} settings; make its axes shorter.")

    def changed(
        self,
        *,
        recipe: str | None,
        baselines: bool,
        epochs: int | None,
        seeds: tuple[int, ...] = (),
        variants: tuple[str, ...] = (),
    ) -> SweepPreset:
        """The same with another recipe, without its baselines, for other epochs, seeds or some variants, as asked for.

        Raises:
            UserError: There is no such variant.
        """
        if unknown := set(variants) - set(self.variants):
            raise UserError(
                f"Preset {self.name!r} has no variant {sorted(unknown)[0]!r}; it has "
                f"{', '.join(self.variants) or 'none'}."
            )
        return dataclasses.replace(
            self,
            variants={name: self.variants[name] for name in variants or self.variants},
            recipe=recipe or self.recipe,
            baselines=self.baselines if baselines else (),
            seeds=seeds or self.seeds,
            train=self.train | exact_epochs(epochs),
        )

    def trained(self, **changes: Any) -> list[TrainConfig]:
        """The recipe and its variants; raises UserError where a setting is unknown or its value is not allowed."""
        try:
            common = recipe(self.recipe, **{**self.train, **changes})
            return [common, *(changed(common, **own, variant=name) for name, own in self.variants.items())]
        except TypeError as error:
            raise UserError(f"Preset {self.name!r} has an unknown training setting: {error}.") from None

    def settings(self, texts: Sequence[str | None] = (None,), **changes: Any) -> tuple[TrainConfig, ...]:
        """The points of the grid.

        Args:
            texts: Text configurations of models that take text.
            changes: Of the recipe, on top of the preset's own.

        Raises:
            UserError: A setting is unknown.
        """
        common, *_ = variants = self.trained(**changes)
        return tuple(
            dataclasses.replace(variant, loss=loss, modality=m, text=text, min_confidence=c, seed=seed)
            for c in self.min_confidences
            for m in self.modalities
            for text in (texts if "text" in kinds_of(m) else (None,))
            for loss in self.losses
            for variant in variants
            if not set(self.variants.get(variant.variant, ["the recipe"])) <= set(LOSSES[loss].ignores)
            for seed in self.seeds or (common.seed,)
        )


@dataclass(frozen=True)
class Grid:
    """What a sweep trains and fits on one collection: settings, baselines, and in words what is left out and why."""

    settings: tuple[TrainConfig, ...]
    baselines: tuple[BaselineConfig, ...]
    left_out: tuple[str, ...]


def load_preset(name: str) -> SweepPreset:
    """A packaged preset by its name, or one's own by the path of its TOML file.

    Raises:
        UserError: There is no such preset, or its file has unknown settings.
    """
    file = Path(name) if name.endswith(".toml") else PRESET_FOLDER / f"{name}.toml"
    if not file.is_file():
        known = ", ".join(sorted(f.stem for f in PRESET_FOLDER.glob("*.toml")))
        raise UserError(f"There is no sweep preset {name!r}; known: {known}, or the path of a .toml file of your own.")
    try:
        entry = tomllib.loads(stored.read_text(file, limit=PRESET_BYTES))
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is not valid TOML: {error}.") from None
    allowed = {f.name for f in dataclasses.fields(SweepPreset)} - {"name"}
    unknown = sorted(set(entry) - allowed)
    if unknown:
        raise UserError(f"{file} has the unknown setting {unknown[0]!r}; allowed are {', '.join(sorted(allowed))}.")
    found = schema.convert({"name": file.stem, **entry}, SweepPreset, str(file))
    try:
        found.trained()
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    return found


def grid_of(preset: SweepPreset, collection: Collection, **changes: Any) -> Grid:
    """The settings of a preset that a collection has the embeddings and confidences for.

    Args:
        preset: The named sweep.
        collection: The sounds.
        changes: Of the recipe, on top of the preset's own.

    Raises:
        UserError: Nothing is left, or a setting is unknown.
    """
    missing = [kind for kind in kinds_of("both") if getattr(collection, kind) is None]
    modalities = [m for m in preset.modalities if not set(kinds_of(m)) & set(missing)]
    left_out = [
        f"modality {m}: the collection has no {' or '.join(k for k in kinds_of(m) if k in missing)} embeddings"
        for m in preset.modalities
        if m not in modalities
    ]
    rated = bool(collection.sounds["confidence"].notna().any())
    thresholds = [c for c in preset.min_confidences if c == 1 or rated]
    if len(thresholds) < len(preset.min_confidences):
        left_out.append("confidence thresholds above 1: the collection has no annotation confidence")
    if not modalities or not thresholds:
        raise UserError(
            f"Nothing of preset {preset.name!r} can be trained on {collection.name!r}: {'; '.join(left_out)}."
        )
    texts = [name for name in preset.texts if name in collection.text_configurations]
    if "text" not in missing:
        left_out += [
            f"text {name}: the collection has no such embeddings; bstviz embed COLLECTION --text-fields "
            f"{name.replace('+', ',')} adds them"
            for name in preset.texts
            if name not in texts
        ]
    chosen = [collection.with_text(name).chosen_text for name in texts or (None,)]
    possible = dataclasses.replace(preset, modalities=tuple(modalities), min_confidences=tuple(thresholds))
    settings = possible.settings(chosen, **changes)
    unrated = {s.variant for s in settings if s.variant and s.confidence_power and not rated}
    left_out += [f"variant {name}: the collection has no annotation confidence" for name in sorted(unrated)]
    seeds = tuple(dict.fromkeys(s.seed for s in settings))
    points = [(c, m, t) for c in thresholds for m in modalities for t in (chosen if "text" in kinds_of(m) else (None,))]
    methods = list(preset.baselines)
    if "zeroshot" in methods and (reason := _no_zero_shot(collection)) is not None:
        methods.remove("zeroshot")
        left_out += [reason] if reason else []
    baselines = [
        BaselineConfig(method, m, c, seed, settings[0].validation, t)
        for c, m, t in points
        for method in methods
        if method != "zeroshot" or m == "audio"
        for seed in (seeds if method != "zeroshot" else seeds[:1])  # which trains on nothing
    ]
    return Grid(tuple(s for s in settings if s.variant not in unrated), tuple(baselines), tuple(left_out))


def _no_zero_shot(collection: Collection) -> str | None:
    """Why a collection has no zero-shot baseline; empty where its encoder embeds no text and None where it has one."""
    info = collection.audio_encoder
    if info is None or not embeds_text(collection):
        return ""
    try:
        zero_shot(collection)
    except UserError:  # weights that are not here and cannot be had, or others than made the embeddings
        return f"baseline zeroshot: {info.id} cannot read the class definitions here; bstviz search says why"
    return None
