"""Confusion: what is taken for what, by annotation confidence, from out-of-fold predictions."""

from pathlib import Path

import numpy as np
import streamlit as st

from bstviz import figures, metrics
from bstviz.ui import confusion, loaders, pickers
from bstviz.ui.charts import PLAIN_CONFIG, dark, selected_ids
from bstviz.ui.page import guarded

LEVELS = {"second": "Second", "top": "Top"}


@st.fragment
@guarded
def page() -> None:
    st.header("Confusion by annotation confidence")
    groups = pickers.settings(list(loaders.infos().values()))
    left, middle, right, last = st.columns([5, 2, 3, 3], vertical_alignment="top")
    with left:
        model = st.selectbox("Model", list(groups), key="confusion.model")
        runs = [loaders.load(info.folder or Path()) for info in groups[model]]
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
    rows = [confusion.tested(loaded, threshold) for loaded in runs]
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
    confusion.scores(runs, rows)
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
        confusion.cells(runs, rows, selected_ids(event), level == "top")


page()
