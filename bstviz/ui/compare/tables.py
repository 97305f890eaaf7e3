"""Tables of measures: two runs, their difference, and what each measure says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.datasets.taxonomy import SoundClass
from bstviz.reports.summaries import LEVELS, STRUCTURE, metric_at, spread_over_folds
from bstviz.ui.components.charts import selected_row, table_key
from bstviz.ui.page import reported


def structure_table(left: Mapping[str, Sequence[float]], right: Mapping[str, Sequence[float]], *, key: str) -> None:
    """Structure of two latent spaces at both levels: each measure over folds, the difference of the means, and what it
    says.

    Args:
        left: Values over folds of the one, by metric of :data:`bstviz.reports.summaries.STRUCTURE_METRICS`.
        right: Of the other.
        key: Of the table.
    """
    rows = []
    for measure, (title, sentence) in STRUCTURE.items():
        row: dict[str, object] = {"Measure": title}
        for level, words in LEVELS.items():
            name = metric_at(level, measure) or ""
            a, b = left.get(name, []), right.get(name, [])
            row |= {f"{words}, left": spread_over_folds(a), f"{words}, right": spread_over_folds(b)}
            row[f"{words}, diff."] = float(np.nanmean(b) - np.nanmean(a)) if len(a) and len(b) else float("nan")
        rows.append({**row, "What it says": sentence})
    difference = st.column_config.NumberColumn(format="%+.3f", help="Right minus left")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=key,
        height="content",
        placeholder="",
        column_config={
            "Measure": st.column_config.TextColumn(width="medium"),
            **{f"{words}, diff.": difference for words in LEVELS.values()},
            "What it says": st.column_config.TextColumn(width="large"),
        },
    )


def class_table(
    table: pd.DataFrame, classes: Sequence[SoundClass], *, key: str, on_pick: Callable[[int], None]
) -> None:
    """What two models make of each class; sortable, a chosen row is handed on.

    Args:
        table: As :func:`bstviz.latent.structure.compare_classes` gives it.
        classes: The classes of its level, in label order.
        key: Of the table.
        on_pick: Called with the label of a chosen class.
    """
    names = [c.name for c in classes]
    columns: dict[str, object] = {"Class": [names[i] for i in table["label"]], "Sounds": table["sounds"]}
    percent = st.column_config.NumberColumn
    formats = {"Class": st.column_config.TextColumn(pinned=True)}

    def add(column: str, values: pd.Series, kind: str, words: str) -> None:
        columns[column] = values
        formats[column] = percent(format=kind, help=words)

    for title, name, factor, kind, sign, words in (
        ("Accuracy", "accuracy", 100, "%.1f", "%+.1f", "Percent of the class's sounds that are predicted correctly"),
        ("Spread", "spread", 1, "%.3f", "%+.3f", "Mean cosine distance from the class's mean direction, 0 to 1"),
        ("Purity", "purity", 100, "%.1f", "%+.1f", "Percent of a sound's ten nearest that have its class"),
    ):
        add(f"{title}, left", factor * table[f"{name}_first"], kind, words)
        add(f"{title}, right", factor * table[f"{name}_second"], kind, words)
        add(f"{title}, diff.", factor * table[f"{name}_difference"], sign, f"{words}; right minus left")
    add(
        "Neighbours changed",
        100 * table["change"],
        "%.0f",
        "Percent: one minus the Jaccard index of the ten nearest, left against right",
    )
    columns["Most confused with"] = [names[i] if i >= 0 else "–" for i in table["confused_with"]]
    add(
        "Confused, left", 100 * table["confused_first"], "%.1f", "Percent of the class's sounds predicted as that class"
    )
    add(
        "Confused, right",
        100 * table["confused_second"],
        "%.1f",
        "Percent of the class's sounds predicted as that class",
    )
    add("Confused, diff.", 100 * table["confused_difference"], "%+.1f", "Right minus left")
    shown = pd.DataFrame(columns)

    own_key = table_key(key, (classes[i].code for i in table["label"]))

    def picked() -> None:
        row = selected_row(st.session_state[own_key], len(shown))
        if row is not None:
            on_pick(int(table["label"].iloc[row]))

    st.dataframe(
        shown,
        hide_index=True,
        key=own_key,
        on_select=reported(picked),
        selection_mode="single-row",
        column_config=formats,
        height=min(38 + 35 * len(shown), 480),
        placeholder="",
    )
