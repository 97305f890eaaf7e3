"""What the confusion page shows beside its matrix: pooled scores, the sounds of a cell."""

from __future__ import annotations

import numpy as np
import streamlit as st

from bstviz import metrics
from bstviz.ui.loaders import Loaded
from bstviz.ui.sound_list import sound_list
from bstviz.ui.text import escape


def tested(loaded: Loaded, threshold: int) -> np.ndarray:
    """Rows of a run that are out of fold and at or above the threshold."""
    out_of_fold = loaded.run.sounds["split"].isin(["test", "below"]).to_numpy() & (loaded.run.y_true >= 0)
    confidence = loaded.table["confidence"].astype("Float64").fillna(0).to_numpy(float)
    return np.flatnonzero(out_of_fold & ((confidence >= threshold) | (threshold == 1)))


def scores(runs: list[Loaded], rows: list[np.ndarray]) -> None:
    """Metric cards over the pooled predictions."""
    y = np.concatenate([r.run.y_true[i] for r, i in zip(runs, rows, strict=True)])
    p = np.concatenate([r.run.probabilities[i] for r, i in zip(runs, rows, strict=True)])
    values = metrics.evaluate(y, p, runs[0].run.taxonomy.parents)
    shown = {
        "Second-level accuracy": values["second_accuracy"],
        "Top-level accuracy": values["top_accuracy"],
        "Macro accuracy": values["second_macro_accuracy"],
        "Hierarchical F1": values["hierarchical_f1"],
    }
    cards = st.columns(len(shown) + 1)
    cards[0].metric("Test sounds", f"{len(y):,}", border=True)
    for card, (name, value) in zip(cards[1:], shown.items(), strict=True):
        card.metric(name, f"{100 * value:.1f} %", border=True)


def cells(runs: list[Loaded], rows: list[np.ndarray], chosen: list[str], top: bool) -> None:
    """The sounds of the clicked cell, most certain first."""
    if not chosen:
        st.info(
            "Click a cell to hear its sounds. Numbers in brackets are the test sounds of a class.",
            icon=":material/touch_app:",
        )
        return
    taxonomy = runs[0].run.taxonomy
    true, predicted = (taxonomy[code] for code in chosen[0].split("|"))
    st.markdown(f"#### {escape(true.name)} → {escape(predicted.name)}")
    st.caption(escape(" ".join(f"{c.name}: {c.definition}" for c in dict.fromkeys((true, predicted)))))
    order = taxonomy.top_codes if top else taxonomy.codes
    level = taxonomy.parents if top else np.arange(len(taxonomy.codes))
    found: list[tuple[float, Loaded, int]] = []
    for loaded, tested_rows in zip(runs, rows, strict=True):
        run = loaded.run
        t, p = level[run.y_true[tested_rows]], level[run.y_pred[tested_rows]]
        inside = tested_rows[(t == order.index(true.code)) & (p == order.index(predicted.code))]
        found += [(float(run.probabilities[r, run.y_pred[r]]), loaded, int(r)) for r in inside]
    found.sort(key=lambda entry: -entry[0])
    st.caption(f"{len(found):,} sounds, most certain first")
    sound_list(
        [(loaded, row) for _, loaded, row in found],
        key=f"confusion.list.{chosen[0]}",
        columns=("title", "certainty"),
    )
