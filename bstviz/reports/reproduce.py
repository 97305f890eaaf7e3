"""The commands that reproduce an experiment, from what its runs and baselines record."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from collections.abc import Sequence
from typing import Any

from bstviz.datasets.splits import fold_options
from bstviz.models.config import LOSSES, MODALITIES, RECIPES, TrainConfig, kinds_of
from bstviz.models.run_info import RunInfo
from bstviz.training.baselines import METHODS, Baseline

GRID = ("loss", "modality", "text", "min_confidence", "seed")
"""What the settings of a sweep differ in; one seed is an option of the command, several are an axis of the preset."""
PLAIN = TrainConfig()
"""A point of that grid, to tell whether settings are alike in all else."""


def commands(infos: Sequence[RunInfo], baselines: Sequence[Baseline]) -> tuple[str, list[str]] | None:
    """A sweep preset and the commands that train these runs and fit these baselines again.

    Args:
        infos: Runs of one collection and kind of folds.
        baselines: Of the same.

    Returns:
        The preset as a TOML file's text, and the commands; None where no single sweep makes these runs: their
        settings are no grid of losses, modalities, texts, thresholds and seeds, their network has sizes of its own, or
        the folds were made otherwise.
    """
    configs = {info.train for info in infos}
    common = {dataclasses.replace(c, **{name: getattr(PLAIN, name) for name in GRID}) for c in configs}
    folds = fold_options(infos[0].split_kind)
    values = {name: {getattr(c, name) for c in configs} for name in GRID}
    texts = {c.text for c in configs if "text" in kinds_of(c.modality)}
    inputs = sum(len(texts) if "text" in kinds_of(m) else 1 for m in values["modality"])
    whole = len(configs) == inputs * math.prod(len(values[name]) for name in ("loss", "min_confidence", "seed"))
    if len(common) != 1 or folds is None or not whole or any(info.answered_by or info.external for info in infos):
        return None
    train = next(iter(common))
    recipe, changes = min(((name, _changes(train, name)) for name in RECIPES), key=lambda pair: len(pair[1]))
    if "sizes" in changes:
        return None
    lines = {
        "losses": [loss for loss in LOSSES if loss in values["loss"]],
        "modalities": [m for m in MODALITIES if m in values["modality"]],
        **({"texts": sorted({info.text for info in infos if info.text})} if texts - {None} else {}),
        "min_confidences": sorted(values["min_confidence"]),
        "baselines": [m for m in METHODS if any(b.config.method == m for b in baselines)],
        "recipe": recipe,
    }
    seeds = sorted(values["seed"])
    lines |= {"seeds": seeds} if len(seeds) > 1 else {}
    toml = [f"{name} = {json.dumps(value)}" for name, value in lines.items()]
    toml += ["", "[train]", *(f"{name} = {json.dumps(value)}" for name, value in changes.items())] if changes else []
    options = " ".join(map(shlex.quote, [*folds, *(["--seed", str(seeds[0])] if len(seeds) == 1 else [])]))
    return "\n".join(toml), [
        *_embedding(infos),
        f"bstviz sweep COLLECTION --preset settings.toml {options} --out EXPERIMENT",
        "bstviz report EXPERIMENT --html report.html",
    ]


def _embedding(infos: Sequence[RunInfo]) -> list[str]:
    """The commands that embed what the runs take, the collection's first text first."""
    ordered = sorted(infos, key=lambda info: info.train.text or "")
    audio = next((info.encoders["audio"] for info in ordered if "audio" in info.encoders), None)
    commands: list[str] = []
    for text in dict.fromkeys(info.encoders["text"] for info in ordered if "text" in info.encoders) or (None,):
        options = [f"--audio-encoder {audio.id if audio and not commands else 'none'}"]
        options += [f"--text-encoder {text.id if text else 'none'}"]
        options += [f"--text-fields {shlex.quote(','.join(text.fields))}"] if text and text.fields else []
        commands.append(f"bstviz embed COLLECTION {' '.join(options)}")
    return commands


def _changes(train: TrainConfig, recipe: str) -> dict[str, Any]:
    """Settings in which a training differs from a recipe, but for those of :data:`GRID`."""
    base = RECIPES[recipe]
    names = [f.name for f in dataclasses.fields(base) if f.name not in GRID]
    return {name: getattr(train, name) for name in names if getattr(train, name) != getattr(base, name)}
