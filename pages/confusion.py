"""Confusion: what is taken for what, by annotation confidence, from out-of-fold predictions."""

from pathlib import Path

import numpy as np
import streamlit as st

from bstviz import figures, metrics
from bstviz.config import MODALITY_WORDS
from bstviz.ui import loaders
from bstviz.ui.charts import PLAIN_CONFIG, dark, selected_ids
from bstviz.ui.loaders import Loaded
from bstviz.ui.page import guarded
from bstviz.ui.sound_list import sound_list
from bstviz.ui.text import escape

LEVELS = {"second": "Second", "top": "Top"}


def settings() -> dict[str, list[Path]]:
    """Folders of runs by everything but the fold."""
    groups: dict[str, list[Path]] = {}
    for path, info in loaders.infos().items():
        train = info.train
        name = f"{train.loss} · {MODALITY_WORDS[train.modality]} · trained on confidence ≥ {train.min_confidence} · {info.collection.name}"
        groups.setdefault(name, []).append(path)
    return groups


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


@st.fragment
@guarded
def page() -> None:
    st.header("Confusion by annotation confidence")
    groups = settings()
    left, middle, right, last = st.columns([5, 2, 3, 3], vertical_alignment="top")
    with left:
        start = next((i for i, name in enumerate(groups) if name.startswith("hierarchical")), 0)
        model = st.selectbox("Model", list(groups), index=start, key="confusion.model")
        runs = [loaders.load(path) for path in groups[model]]
    with middle:
        level = st.segmented_control(
            "Level",
            list(LEVELS),
            default="second",
            required=True,
            format_func=LEVELS.__getitem__,
            key="confusion.level",
        )
    with right:
        threshold = st.select_slider(
            "Tested on confidence ≥", options=[1, 2, 3, 4, 5], value=1, key="confusion.threshold"
        )
    with last:
        normalised = st.segmented_control(
            "Cells",
            [True, False],
            default=True,
            required=True,
            format_func=lambda n: "% of row" if n else "counts",
            key="confusion.cells",
        )
    taxonomy, trained = runs[0].run.taxonomy, runs[0].run.train.min_confidence
    rows = [tested(loaded, threshold) for loaded in runs]
    folds = ", ".join(str(r.run.fold) for r in runs)
    st.markdown(
        f"Trained on sounds with confidence **≥ {trained}**, tested on those with **≥ {threshold}**; out-of-fold predictions of "
        f"fold{'s' if len(runs) > 1 else ''} {folds}."
        + (
            " Only the test is filtered here: any model looks better on the sounds its annotators were sure of."
            if threshold > trained
            else ""
        )
    )
    if not sum(map(len, rows)):
        st.info("No test sound has such a confidence; lower the threshold.")
        return
    scores(runs, rows)
    n = len(taxonomy.second)
    matrix = sum(metrics.confusion_matrix(r.run.y_true[i], r.run.y_pred[i], n) for r, i in zip(runs, rows, strict=True))
    classes, groups_of = list(taxonomy.second), taxonomy.parents
    if level == "top":
        member = np.eye(len(taxonomy.top), dtype=int)[taxonomy.parents]
        matrix, classes, groups_of = member.T @ matrix @ member, list(taxonomy.top), np.zeros(len(taxonomy.top))
    codes = [c.code for c in classes]
    view, panel = st.columns([3, 2], gap="medium")
    with view:
        figure = figures.confusion_figure(
            np.asarray(matrix),
            codes,
            [c.name for c in classes],
            groups_of,
            normalised=bool(normalised),
            dark=dark(),
            height=780 if level == "second" else 520,
        )
        key = f"confusion.matrix.{level}.{threshold}.{normalised}.{len(runs)}.{runs[0].run.id}"
        event = st.plotly_chart(figure, key=key, on_select="rerun", selection_mode="points", config=PLAIN_CONFIG)
    with panel:
        cells(runs, rows, selected_ids(event), level == "top")


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


page()
