"""Model cards as files: Markdown under a YAML head with the fields of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bstviz import storage
from bstviz.datasets.collection import Collection
from bstviz.datasets.writing import in_markdown
from bstviz.evaluation.out_of_fold import settings
from bstviz.models.run import Run, load_run
from bstviz.reports.card.facts import CARD_MEASURES, CardFacts
from bstviz.reports.comparisons import collection_of
from bstviz.reports.sections import Block, Table, Text

CARD = "card.md"
"""Name of a card in its run's folder."""
UNSTATED_LICENSE = ("other", "not-stated")
"""Licence of a model that nobody stated one for, and its name, in the hub's words."""


def model_card(runs: Sequence[Run], *, collection: Collection | None = None, license: str | None = None) -> str:
    """The card of a setting's runs; the same runs give the same card.

    Args:
        runs: One per fold.
        collection: Theirs; from where it was when left out, and without it where it is not there.
        license: Of the model, as the hub names it (``mit``); not stated when left out.

    Raises:
        UserError: The runs are of several settings, or test no sound with a class.
    """
    sounds = collection_of(runs[0]) if collection is None else collection
    facts = CardFacts(runs, sounds)
    title = next(iter(settings(runs))).name
    body = [f"# {in_markdown(title)}"]
    for heading, blocks in facts.sections().items():
        body += [f"## {heading}", *(_markdown(block, listed=heading == "Limits") for block in blocks)]
    return f"---\n{_head(facts, title, license)}---\n\n" + "\n\n".join(body) + "\n"


def write_card(folder: str | Path, *, license: str | None = None) -> Path:
    """Write the card of a run into its folder, as ``card.md``; arguments as for :func:`model_card`."""
    file = Path(folder) / CARD
    storage.write_file(file, model_card([load_run(folder)], license=license).encode())
    return file


def _head(facts: CardFacts, title: str, license: str | None) -> str:
    """The YAML head."""
    from huggingface_hub import EvalResult, ModelCardData

    run = facts.run
    data = _slug(run.collection.name)
    values = dict(zip(facts.measures.index, facts.measures["value"].tolist(), strict=True))
    results = [
        EvalResult(
            task_type="audio-classification",
            dataset_type=data,
            dataset_name=run.collection.name,
            metric_type="f1" if name.endswith("f1") else "accuracy",
            metric_value=round(values[name], 4),
            metric_name=words,
        )
        for name, words in CARD_MEASURES.items()
    ]
    other, unstated = UNSTATED_LICENSE
    card = ModelCardData(
        license=license or other,
        license_name=None if license else unstated,
        library_name="bstviz",
        pipeline_tag="audio-classification",
        tags=["sound-classification", run.taxonomy.id, run.train.loss, *(kind for kind in run.encoders)],
        datasets=[data, *map(_slug, run.extra_training_data)],
        metrics=["accuracy", "f1"],
        model_name=title,
        eval_results=results,
    )
    return str(card.to_yaml()) + "\n"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")


def _markdown(block: Block, *, listed: bool = False) -> str:
    if isinstance(block, Text):
        return f"{'- ' * listed}{in_markdown(block.text)}"
    assert isinstance(block, Table)  # a card has no figures
    numeric = [i >= block.words for i in range(len(block.headings))]
    lines = [block.headings, ["---:" if number else "---" for number in numeric], *block.cells]
    escaped = [lines[0], lines[1], *([in_markdown(cell) for cell in line] for line in lines[2:])]
    return f"{in_markdown(block.caption)}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in escaped)
