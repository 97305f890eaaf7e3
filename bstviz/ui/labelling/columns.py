"""What has been decided, as columns of a run's sounds: to colour a map and to filter by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.plots.facets import (
    CATEGORY_COLORS,
    CONFIDENCE_COLORS,
    CONFIDENCE_LABELS,
    Category,
    Column,
    Columns,
    indexed_column,
)
from bstviz.review.decisions import Decision, Record
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.kept import kept
from bstviz.ui.labelling.record import Labels, labels_of
from bstviz.ui.review.reviewer import Reviewer, me

CLASS, CONFIDENCE, REVIEWER = "decided_class", "decided_confidence", "decided_by"
NO_CLASS, DISPUTED = Category("unsure", "#56606e"), Category("disputed", "#000000")
SEVERAL = Category("several people", "#6b7686")


def with_decisions(columns: Columns, loaded: Loaded) -> Columns:
    """A run's columns and, behind them, the class that was decided for each sound, how sure of it people were, and who
    they are; as they are where nothing has been decided.
    """
    labels = labels_of(loaded.run.collection)
    if not labels.record.standing:
        return columns
    return columns.having(decided_columns(loaded, labels, me()))


@kept(max_entries=8, hash_funcs={Loaded: identity_of, Labels: identity_of, Reviewer: lambda who: who.id})
def decided_columns(loaded: Loaded, labels: Labels, who: Reviewer) -> tuple[Column, ...]:
    """Class, annotation confidence and reviewer of the standing decisions on a run's sounds."""
    standing = labels.record.standing
    rows = loaded.ids.get_indexer(pd.Index(list(standing), dtype=object))
    decided = {int(row): own for row, own in zip(rows, standing.values(), strict=True) if row >= 0}
    n = len(loaded.ids)
    return (
        _class_column(n, decided, labels.record, loaded.run.taxonomy),
        _confidence_column(n, decided, labels.record),
        _reviewer_column(n, decided, who),
    )


def _index(n: int, values: Mapping[int, int]) -> np.ndarray:
    """Categories (n,) by row; -1 elsewhere."""
    index = np.full(n, -1)
    index[list(values)] = list(values.values())
    return index


def _class_column(n: int, decided: Mapping[int, tuple[Decision, ...]], record: Record, taxonomy: Taxonomy) -> Column:
    position: dict[str | None, int] = {code: i for i, code in enumerate(taxonomy.codes)}
    position[None] = len(position)  # unsure, and behind it disputed
    agreed = record.agreed
    values = {
        row: position.get(own[-1].new, -1) if own[0].sound_id in agreed else len(position)
        for row, own in decided.items()
    }
    categories = [*(Category(c.name, c.color) for c in taxonomy.second), NO_CLASS, DISPUTED]
    return indexed_column(CLASS, "Decided class", _index(n, values), categories)


def _confidence_column(n: int, decided: Mapping[int, tuple[Decision, ...]], record: Record) -> Column:
    agreed = record.agreed
    given = {row: agreed[own[0].sound_id].confidence for row, own in decided.items() if own[0].sound_id in agreed}
    levels = [Category(*pair) for pair in zip(CONFIDENCE_LABELS, CONFIDENCE_COLORS, strict=True)]
    values = {row: confidence - 1 for row, confidence in given.items() if confidence is not None}
    return indexed_column(CONFIDENCE, "Decided annotation confidence", _index(n, values), levels)


def _reviewer_column(n: int, decided: Mapping[int, tuple[Decision, ...]], who: Reviewer) -> Column:
    named = {row: {who.names(decision) for decision in own} for row, own in decided.items()}
    alone = {next(iter(own)) for own in named.values() if len(own) == 1}
    names = sorted(alone, key=lambda name: (name != "you", name))
    position = {name: i for i, name in enumerate(names)}
    values = {row: position[next(iter(own))] if len(own) == 1 else len(names) for row, own in named.items()}
    colors = [CATEGORY_COLORS[i % len(CATEGORY_COLORS)] for i in range(len(names))]
    categories = [*(Category(name, color) for name, color in zip(names, colors, strict=True)), SEVERAL]
    return indexed_column(REVIEWER, "Decided by", _index(n, values), categories)
