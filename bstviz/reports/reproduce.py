"""The commands that reproduce an experiment, from what its runs and baselines record."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from typing import Any

from bstviz.datasets.splits import fold_options
from bstviz.models.config import LOSSES, MODALITIES, RECIPES, TrainConfig, kinds_of
from bstviz.models.run_info import RunInfo
from bstviz.training.baselines import METHODS, Baseline
from bstviz.training.preset import SweepPreset

GRID = ("loss", "modality", "text", "min_confidence", "seed", "variant")
"""What the settings of a sweep differ in; one seed is an option of the command, several are an axis of the preset."""


def commands(infos: Sequence[RunInfo], baselines: Sequence[Baseline]) -> tuple[str, list[str]] | None:
    """A sweep preset and the commands that train these runs and fit these baselines again.

    Args:
        infos: Runs of one collection and kind of folds.
        baselines: Of the same.

    Returns:
        The preset as a TOML file's text, and the commands; None where no single sweep makes these runs: their
        settings are no grid of losses, modalities, texts, thresholds, seeds and variants, or the folds were made
        otherwise.
    """
    configs = {info.train for info in infos}
    folds = fold_options(infos[0].split_kind)
    plain = next((c for c in configs if not c.variant), None)
    if plain is None or folds is None or any(info.answered_by or info.external for info in infos):
        return None
    if len({info.extra_training_data for info in infos}) > 1:
        return None
    name, changes = min(((name, _changes(plain, RECIPES[name])) for name in RECIPES), key=lambda pair: len(pair[1]))
    values = {axis: {getattr(c, axis) for c in configs} for axis in GRID}
    seeds = sorted(values["seed"])
    preset = SweepPreset(
        "settings",
        losses=tuple(loss for loss in LOSSES if loss in values["loss"]),
        modalities=tuple(m for m in MODALITIES if m in values["modality"]),
        texts=tuple(sorted({info.text for info in infos if info.text})),
        min_confidences=tuple(sorted(values["min_confidence"])),
        baselines=tuple(m for m in METHODS if any(b.config.method == m for b in baselines)),
        seeds=tuple(seeds) if len(seeds) > 1 else (),
        recipe=name,
        train=changes,
        variants={c.variant: _changes(c, plain) for c in sorted(configs, key=repr) if c.variant},
    )
    texts = tuple({c.text for c in configs if "text" in kinds_of(c.modality)}) or (None,)
    if set(preset.settings(texts, **({"seed": seeds[0]} if len(seeds) == 1 else {}))) != configs:
        return None
    also = [option for name in infos[0].extra_training_data for option in ("--also", name)]
    options = " ".join(map(shlex.quote, [*folds, *also, *(["--seed", str(seeds[0])] if len(seeds) == 1 else [])]))
    return _toml(preset, texts), [
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


def _changes(train: TrainConfig, base: TrainConfig) -> dict[str, Any]:
    """Settings in which a training differs from another, but for those of :data:`GRID`."""
    ours, theirs = dataclasses.asdict(train), dataclasses.asdict(base)
    changes = {name: value for name, value in ours.items() if name not in GRID and value != theirs[name]}
    if "sizes" in changes:
        changes["sizes"] = {name: v for name, v in ours["sizes"].items() if v != theirs["sizes"][name]}
    return changes


def _toml(preset: SweepPreset, texts: Sequence[str | None]) -> str:
    """A preset as its file states it; text configurations only where ``texts`` names them."""
    axes = ("losses", "modalities", "texts", "min_confidences", "baselines", "recipe", "seeds")
    unsaid = {name for name, stated in (("texts", set(texts) - {None}), ("seeds", preset.seeds)) if not stated}
    lines = [f"{name} = {json.dumps(getattr(preset, name))}" for name in axes if name not in unsaid]
    for table, changes in [
        ("train", preset.train),
        *((f"variants.{json.dumps(v)}", c) for v, c in preset.variants.items()),
    ]:
        lines += (
            ["", f"[{table}]", *(f"{name} = {_value(value)}" for name, value in changes.items())] if changes else []
        )
    return "\n".join(lines)


def _value(value: Any) -> str:
    """As TOML writes it; a dictionary as an inline table."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_value(v)}' for name, v in value.items())} }}"
    return json.dumps(value)
