"""Sections of the results page, each of the runs of one collection and kind of folds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from bstviz import report, results
from bstviz import result_figures as drawn
from bstviz.report import TABLE_METRICS
from bstviz.run import RunInfo
from bstviz.ui.charts import PLAIN_CONFIG, dark
from bstviz.ui.results import load_folds, rows
from bstviz.ui.text import chip


def of_setting(infos: Sequence[RunInfo], *, key: str, losses_apart: bool = True) -> list[RunInfo]:
    """Runs of the setting chosen: all its folds, of both losses unless ``losses_apart``."""
    known = results.named_settings(infos, losses_apart=losses_apart)
    return known[st.selectbox("Setting", list(known), key=f"{key}.setting")]


def table_one(infos: Sequence[RunInfo]) -> None:
    """Every metric as dots and as a table, beside the paper's."""
    own = [r for r in rows() if (r.collection, r.split_kind) == (infos[0].collection.name, infos[0].split_kind)]
    metric = st.segmented_control(
        "Metric", list(TABLE_METRICS), default="second_accuracy", required=True, format_func=TABLE_METRICS.__getitem__, key="results.metric"
    )  # fmt: skip
    st.plotly_chart(
        drawn.table_figure(own, str(metric), results.heading(str(metric))), config=PLAIN_CONFIG, key="results.dots"
    )
    frame = results.frame(own)
    formats = {str(name): st.column_config.NumberColumn(format="%.2f") for name in frame.select_dtypes("number")}
    formats |= {
        "Folds": st.column_config.NumberColumn(),
        "Test sounds": st.column_config.NumberColumn(format="localized"),
    }
    st.dataframe(frame, hide_index=True, column_config=formats, placeholder="")
    st.download_button(
        "CSV of every metric", report.write(own, "csv"), "results.csv", "text/csv", icon=":material/download:"
    )
    st.caption(f"{report.NOTE} Embeddings: {'; '.join(dict.fromkeys(r.encoders for r in own))}.")
    st.caption(report.PAPER_NOTE.replace("Paper:", "Open marks, and columns that end in paper:", 1))


def structure(infos: Sequence[RunInfo]) -> None:
    """What hierarchical training does to the latent space."""
    st.caption(results.CLAIM)
    compared = results.losses_compared(of_setting(infos, key="results.structure", losses_apart=False))
    if compared is None:
        st.info(
            "This takes a hierarchical and a flat run of the same setting and fold; load both.", icon=":material/info:"
        )
        return
    table, folds = compared
    number = st.column_config.NumberColumn(format="%.3f")
    formats = dict.fromkeys(map(str, table.select_dtypes("number")), number)
    formats["Difference"] = st.column_config.NumberColumn(format="%+.3f", help="Hierarchical minus non-hierarchical")
    formats["Higher on"] = st.column_config.TextColumn(help="On how many folds hierarchical is higher")
    st.dataframe(table, hide_index=True, column_config=formats, height="content", placeholder="")
    st.caption(results.compared_on(folds))


def latent_spaces(infos: Sequence[RunInfo]) -> None:
    """PCA of the settings of the paper's figure 2."""
    fold = st.selectbox("Fold", sorted({i.fold for i in infos}), key="results.panels.fold")
    chosen, titles = results.panels(infos, fold)
    if not chosen:
        st.info("No run of this fold is loaded in these settings.", icon=":material/info:")
        return
    st.html(" ".join(chip(top.name, top.color) for top in chosen[0].taxonomy.top))
    figure = drawn.panels_figure(load_folds(chosen), titles)
    st.plotly_chart(figure, config=PLAIN_CONFIG, key="results.panels")


def of_one_setting(section: str, infos: Sequence[RunInfo]) -> None:
    """Sections about one setting, over all its folds."""
    with st.container(horizontal=True):
        chosen = of_setting(infos, key=f"results.{section}")
        if section == "Confusion" and len(chosen) > 1:
            fold = st.selectbox("Fold", ["all", *(i.fold for i in chosen)], key="results.confusion.fold")
            chosen = [i for i in chosen if fold in ("all", i.fold)]
    if section == "Training":
        st.plotly_chart(drawn.training_figure(chosen), config=PLAIN_CONFIG, key="results.training")
        return
    if section == "Calibration":
        error = results.calibration_error(chosen)
        st.markdown(f"Expected calibration error **{error}** over {results.folds_in_words(len(chosen))}.")
    figure = results.setting_figure(section, results.pooled(load_folds(chosen)), dark=dark())
    st.plotly_chart(figure, config=PLAIN_CONFIG, key=f"results.figure.{section}")
