"""Submissions to the DCASE Challenge 2026, task 1 (heterogeneous audio classification): written, and held to its rules.

A submission is a folder of its label's name with ``<label>.output.csv`` (one row per sound of the evaluation set: id,
second-level class, and the score of the prediction) and ``<label>.meta.yaml`` (who submits what, and its results on the
development set). What only the people who submit can say is left empty there, and named by :func:`problems`.

References: DCASE Challenge 2026, task 1 (its page, and the public submissions to it).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bstviz import storage
from bstviz.datasets.taxonomy import Taxonomy, bst
from bstviz.errors import UserError
from bstviz.models.config import LOSSES
from bstviz.models.run import Run
from bstviz.predictions.answers import Answers
from bstviz.predictions.table import CHALLENGE_CLASS, CHALLENGE_ID, CHALLENGE_SCORE

SUBMISSION_LABEL = r"[^\W_]+(-[^\W_]+)*_[^\W_]+(-[^\W_]+)*_task1_[1-4]"
LABEL_RULE = "<last name>_<abbreviation of the institute>_task1_<number, 1 to 4>, as Doe_UNI_task1_1"
OUTPUT, META = ".output.csv", ".meta.yaml"
ABBREVIATION = 10
"""Characters of a submission's abbreviation at most."""
REQUIRED = (
    "submission.label",
    "submission.name",
    "submission.abbreviation",
    "submission.authors",
    "system.description.summary",
    "system.description.machine_learning_method",
    "system.complexity.total_parameters",
    "results.development_dataset.hierarchical_f1",
)
"""Fields of the meta file that may not stay empty; what a system does not have (a text representation) may."""
REQUIRED_OF_AUTHORS = ("lastname", "firstname", "email", "affiliation.institute", "affiliation.location")
DEVELOPMENT_METRICS = {
    "hierarchical_precision": "hierarchical_precision",
    "hierarchical_recall": "hierarchical_recall",
    "hierarchical_f1": "hierarchical_f1",
    "accuracy": "second_accuracy",
    "accuracy_top_level": "top_accuracy",
}
"""Results on the development set, by what the meta file calls them."""


def checked_label(label: str) -> str:
    """A submission's label; UserError where it is none."""
    if not re.fullmatch(SUBMISSION_LABEL, label):
        raise UserError(f"The label is {label!r}; the challenge wants {LABEL_RULE}.")
    return label


def write_submission(answers: Answers, taxonomy: Taxonomy, label: str, out: str | Path, *, sounds: int) -> Path:
    """Write a submission: ``out/<label>/<label>.output.csv`` and, where it is not there yet, ``.meta.yaml``.

    What authors have filled in stays, with the results of when it was made: :func:`meta_file`.

    Args:
        answers: Of the system, for every sound of the evaluation set.
        taxonomy: The classes.
        label: As :data:`LABEL_RULE`.
        out: Folder of the submission package.
        sounds: How many sounds the evaluation set has.

    Returns:
        The submission's folder.

    Raises:
        UserError: The label is none, a sound has no prediction, or the classes are others.
    """
    import yaml

    predictions = answers.predictions
    if taxonomy.hash != bst().hash:
        raise UserError(f"The challenge is about the {bst().name}; these predictions are of {taxonomy.name!r}.")
    if len(predictions) < sounds:
        raise UserError(
            f"{sounds - len(predictions):,} of {sounds:,} sounds have no prediction, and the challenge wants one for "
            f"each. {' '.join(answers.notes)} Take runs that can predict them all, e.g. of audio."
        )
    folder = Path(out) / checked_label(label)
    folder.mkdir(parents=True, exist_ok=True)
    codes = np.array(taxonomy.codes, object)
    table = pd.DataFrame(
        {
            CHALLENGE_ID: predictions.sound_ids,
            CHALLENGE_CLASS: codes[predictions.labels],
            CHALLENGE_SCORE: predictions.scores,
        }
    )
    storage.write_file(folder / f"{label}{OUTPUT}", table.to_csv(index=False, float_format="%.6f").encode())
    if not meta_file(out, label).exists():  # authors fill it in by hand
        meta = yaml.safe_dump(metadata(answers.runs, label), sort_keys=False, allow_unicode=True, width=100)
        storage.write_file(meta_file(out, label), meta.encode())
    return folder


def meta_file(out: str | Path, label: str) -> Path:
    """Where the meta file of a submission lies."""
    return Path(out) / label / f"{label}{META}"


def metadata(runs: Sequence[Run], label: str) -> dict[str, Any]:
    """What the meta file says of a system of some runs; None where only its authors know."""
    first, train = runs[0], runs[0].train
    lastname, institute = label.split("_")[:2]
    learned, counted = first.external is None, all(run.predicts for run in runs)
    parts = ["noise" * (train.noise > 0), "masking" * (train.mask > 0), "mixup" * (train.mixup > 0)]
    extra = ", ".join(first.extra_training_data)
    method = "residual MLP on pre-trained embeddings" + (", kNN retrieval" if first.datastore is not None else "")
    results = {
        name: round(float(np.mean([run.metrics[metric] for run in runs])), 4)
        for name, metric in DEVELOPMENT_METRICS.items()
        if all(metric in run.metrics for run in runs)
    }
    encoders = {kind: str(first.encoders[kind]) if kind in first.encoders else None for kind in ("audio", "text")}
    return {
        "submission": {
            "label": label,
            "name": f"{first.model_name}, {len(runs)} run{'s' * (len(runs) > 1)}",
            "abbreviation": "bstviz",
            "authors": [
                {
                    "lastname": lastname,
                    "firstname": None,
                    "email": None,
                    "corresponding": True,
                    "affiliation": {
                        "abbreviation": institute,
                        "institute": None,
                        "department": None,
                        "location": None,
                    },
                }
            ],
        },
        "system": {
            "source_code": None,
            "description": {
                "input_sampling_rate": None,
                "summary": f"Mean of the probabilities of {len(runs)} models: {first.model_name}." if learned else None,
                "audio_representation": encoders["audio"],
                "text_representation": encoders["text"],
                "data_augmentation": ", ".join(filter(None, parts)) or None if learned else None,
                "machine_learning_method": method if learned else None,
                "external_data_usage": f"pre-trained embeddings{f', {extra}' if extra else ''}" if learned else None,
                "hierarchical_setting": LOSSES[train.loss].words if train.loss in LOSSES else None,
            },
            "complexity": {
                "total_parameters": sum(int(v.size) for run in runs for v in run.weights.values()) if counted else None
            },
        },
        "results": {"development_dataset": {"folds": first.split_kind, **results}},
    }


def problems(folder: str | Path, sound_ids: Iterable[str], taxonomy: Taxonomy) -> list[str]:
    """What a submission breaks of the challenge's rules, a sentence each; none where it may be sent.

    Args:
        folder: Of the submission, named by its label.
        sound_ids: Of the evaluation set.
        taxonomy: The classes.
    """
    folder = Path(folder)
    label = folder.name
    found = [] if re.fullmatch(SUBMISSION_LABEL, label) else [f"The label {label!r} is not {LABEL_RULE}."]
    files = {suffix: folder / f"{label}{suffix}" for suffix in (OUTPUT, META)}
    for suffix, check in (
        (OUTPUT, lambda file: _output_problems(file, list(sound_ids), taxonomy)),
        (META, lambda file: _meta_problems(file, label)),
    ):
        found += check(files[suffix]) if files[suffix].is_file() else [f"There is no file {label}{suffix}."]
    return found


def _output_problems(file: Path, sound_ids: Sequence[str], taxonomy: Taxonomy) -> Iterator[str]:
    table = pd.read_csv(file, dtype="str", keep_default_na=False)
    columns, wanted = list(map(str, table)), [CHALLENGE_ID, CHALLENGE_CLASS]
    if columns not in (wanted, [*wanted, CHALLENGE_SCORE]):
        yield f"{file.name} has the columns {', '.join(columns)}; allowed are {', '.join(wanted)}, {CHALLENGE_SCORE}."
        return
    counts, expected = Counter(table[CHALLENGE_ID]), set(sound_ids)
    for words, ids in (
        ("more than once", [i for i, count in counts.items() if count > 1]),
        ("that the evaluation set lacks", sorted(set(counts) - expected)),
        ("that have no prediction", sorted(expected - set(counts))),
    ):
        if ids:
            yield f"{file.name}: {len(ids):,} ids {words}, {ids[0]!r} among them."
    strange = sorted(set(table[CHALLENGE_CLASS]) - set(taxonomy.codes))
    if strange:
        yield f"{file.name}: {strange[0]!r} is no second-level class; allowed are {', '.join(taxonomy.codes)}."
    if CHALLENGE_SCORE in table:
        scores = pd.to_numeric(table[CHALLENGE_SCORE], errors="coerce")
        if wrong := int((~scores.between(0, 1)).sum()):
            yield f"{file.name}: {wrong:,} scores are no numbers from 0 to 1."


def _meta_problems(file: Path, label: str) -> Iterator[str]:
    import yaml

    try:
        meta = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        yield f"{file.name} is no YAML: {error}"
        return
    for path in REQUIRED:
        if _at(meta, path) in (None, "", []):
            yield f"{file.name}: {path} is empty."
    if _at(meta, "submission.label") not in (None, label):
        yield f"{file.name}: submission.label is {_at(meta, 'submission.label')!r}, the folder's name {label!r}."
    if len(str(_at(meta, "submission.abbreviation") or "")) > ABBREVIATION:
        yield f"{file.name}: submission.abbreviation has more than {ABBREVIATION} characters."
    authors = _at(meta, "submission.authors") or []
    for number, author in enumerate(authors, 1):
        for path in REQUIRED_OF_AUTHORS:
            if _at(author, path) in (None, ""):
                yield f"{file.name}: {path} of author {number} is empty."
    if authors and sum(_at(author, "corresponding") is True for author in authors) != 1:
        yield f"{file.name}: one author is corresponding, the others are not."


def _at(entry: Any, path: str) -> Any:
    """The value at a path of keys with dots; None where there is none."""
    for key in path.split("."):
        entry = entry.get(key) if isinstance(entry, dict) else None
    return entry
