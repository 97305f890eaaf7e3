"""What stands below a confusion matrix: where one setting errs, and how that changes with the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.evaluation import bootstrap, confusion
from bstviz.evaluation.calibration import expected_calibration_error
from bstviz.evaluation.confusion import Axis, Cells
from bstviz.evaluation.per_class import by_class, by_group, grouping_columns
from bstviz.plots import per_class
from bstviz.plots.confusion import strip_figure
from bstviz.ui.cache.loaded import identity_of
from bstviz.ui.components.charts import PLAIN_CONFIG, dark, selected_row, table_key
from bstviz.ui.components.terms import meaning
from bstviz.ui.components.text import escape
from bstviz.ui.confusion.matrix import CELL
from bstviz.ui.confusion.sides import THRESHOLDS, Pooled, Side, at, at_least
from bstviz.ui.confusion.sounds import sounds
from bstviz.ui.page import reported

SOUNDS_ALONE = "sounds"
SETS_DIFFER = "Each has its own test set: what differs may lie in the sounds as well as in the models."


def strip(side: Side, along: Axis, cells: Cells) -> None:
    """Small matrices across thresholds: applied to training and test alike, and to the test only."""

    def panel(trained: int, tested: int) -> tuple[str, np.ndarray | None]:
        words = f"trained on ≥ {trained}, tested on ≥ {tested}"
        if trained not in side.family:
            return f"no runs trained on ≥ {trained}", None
        answers = at(side.family, trained, tested).answers
        if not len(answers):
            return f"{words}<br>no sounds", None
        right = 100 * np.mean(answers.y_true == answers.y_pred)
        return f"{words}<br>{len(answers):,} sounds, {right:.1f} % correct", confusion.counts(answers, along)

    rows = [[panel(t, t) for t in THRESHOLDS], [panel(side.trained, t) for t in THRESHOLDS]]
    st.caption(
        f"Above, the threshold applies to training and test alike; below, the runs trained on ≥ {side.trained} are "
        f"tested on fewer and fewer sounds. {SETS_DIFFER}"
    )
    figure = strip_figure(rows, along, cells=cells, dark=dark())
    st.plotly_chart(figure, config=PLAIN_CONFIG, key="confusion.strip")


def pairs(side: Side, along: Axis) -> None:
    """Most confused pairs; a chosen one is the chosen cell."""
    table = confusion.confused_pairs(confusion.counts(side.answers, along), along)
    names = {c.code: c.name for c in along.classes}
    key = table_key("confusion.pairs", zip(table["true"], table["predicted"], strict=True))

    def picked() -> None:
        row = selected_row(st.session_state[key], len(table))
        if row is not None:
            st.session_state[CELL] = (table["true"].iloc[row], table["predicted"].iloc[row])

    shown = pd.DataFrame(
        {
            "True": [f"{names[c]} ({c})" for c in table["true"]],
            "Confused with": [f"{names[c]} ({c})" for c in table["predicted"]],
            "Sounds": table["sounds"],
            "% of class": 100 * table["of_true"],
            "% of all errors": 100 * table["of_errors"],
            "In reverse": table["back"],
        }
    )
    st.caption(
        "Choose a row to list the sounds of its cell beside the matrix. In reverse: sounds of the opposite cell."
    )
    percent = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=reported(picked),
        selection_mode="single-row",
        height=420,
        column_config={
            "% of class": percent,
            "% of all errors": percent,
            "In reverse": st.column_config.NumberColumn(help=meaning("In reverse")),
        },
    )


def classes(side: Side) -> None:
    """Accuracy by class: figure 3, and against the class's number of sounds and its annotation confidence."""
    answers = side.answers
    table = by_class(answers)
    figure = per_class.class_accuracy_figure(answers.taxonomy, answers.y_true, answers.y_pred, height=480)
    st.plotly_chart(figure, config=PLAIN_CONFIG, key="confusion.classes.bars")
    for column, against in zip(st.columns(2), per_class.AGAINST, strict=True):
        known = table[against].notna()
        with column:
            if not known.any():
                st.info(
                    "These sounds have no annotation confidence. The other sections need none.", icon=":material/info:"
                )
                continue
            drawn = per_class.class_scatter_figure(answers.taxonomy, table, against)
            st.plotly_chart(drawn, config=PLAIN_CONFIG, key=f"confusion.classes.{against}")
            intervals = "Bars are Wilson intervals of 95 %."
            if min(table.loc[known, against].nunique(), table.loc[known, "accuracy"].nunique()) > 1:
                rank = table[against].corr(table["accuracy"], method="spearman")
                intervals = f"Rank correlation {rank:+.2f} over {known.sum()} classes. {intervals}"
            st.caption(intervals)
    shown = pd.DataFrame(
        {
            "Class": [answers.taxonomy[code].name for code in table["code"]],
            "Code": table["code"],
            "Test sounds": table["sounds"],
            "Accuracy": 100 * table["accuracy"],
            "95 %": [_between(100 * a, 100 * b, "") for a, b in zip(table["low"], table["high"], strict=True)],
            "Precision": 100 * table["precision"],
            "Mean annotation confidence": table["confidence"],
        }
    )
    formats = {
        "Test sounds": st.column_config.NumberColumn(format="localized"),
        "Accuracy": st.column_config.NumberColumn(format="%.1f %%", help=meaning("Accuracy")),
        "95 %": st.column_config.TextColumn(help=meaning("Interval")),
        "Precision": st.column_config.NumberColumn(format="%.1f %%", help=meaning("Precision")),
        "Mean annotation confidence": st.column_config.NumberColumn(
            format="%.2f", help=meaning("Annotation confidence")
        ),
    }
    st.dataframe(shown, hide_index=True, column_config=formats, placeholder="–")


def calibration(side: Side) -> None:
    """How often predictions of a given confidence are correct."""
    answers = side.answers
    parents = answers.taxonomy.parents
    second, top = (
        100 * expected_calibration_error(answers.y_true, answers.probabilities, parents=above)
        for above in (None, parents)
    )
    st.markdown(
        f"Expected calibration error **{second:.1f} %** at the second level, **{top:.1f} %** at the top level (summed "
        f"probability of the predicted class), pooled over the test sounds of {side.letter}.",
        help=meaning("Calibration"),
    )
    figure = per_class.reliability_figure(answers.y_true, answers.probabilities, parents)
    st.plotly_chart(figure, config=PLAIN_CONFIG, key="confusion.calibration")
    st.page_link(
        "pages/results.py", label="Results: over folds, at each setting's own threshold", icon=":material/monitoring:"
    )


def _groupings(side: Side) -> list[str]:
    """Columns to group by, uploaders first."""
    collection = side.folds[0].collection
    names = grouping_columns(collection.sounds) if collection else []
    return sorted(names, key=lambda name: (name != "uploader", name))


def _groups_of(pooled: Pooled, column: str) -> Mapping[str, str]:
    collection = pooled.folds[0].collection
    if collection is None:
        return {}
    values = collection.sounds.set_index("sound_id")[column].dropna()
    return {str(sound): str(group) for sound, group in values.items()}


def groups(side: Side) -> None:
    """Uploaders, sources or other groups with more errors than their classes explain."""
    names = _groupings(side)
    if not names:
        st.info(
            "The collection has no column to group its sounds by, such as uploader; add one to its table.",
            icon=":material/info:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = str(st.selectbox("Group by", names, key="confusion.groups.column"))
        least = int(st.number_input("Minimum number of sounds", 1, 10_000, 5, key="confusion.groups.least"))
    of = _groups_of(side, column)
    each = np.array([of.get(i) for i in side.answers.sound_ids], object)
    table = by_group(side.answers, each)
    table = table[table["sounds"] >= least].reset_index(drop=True)
    without = int(pd.isna(each).sum())
    st.caption(
        "Excess: errors beyond those expected from the classes of the group's sounds, at the error rates of all other "
        "groups. Choose a row for its wrong predictions."
        + (f" {without:,} sounds have no {escape(column)}." if without else "")
    )
    percent = st.column_config.NumberColumn(format="%.1f %%")
    shown = table.rename(columns=str.capitalize).assign(
        Accuracy=100 * table["accuracy"], Expected=100 * table["expected"]
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        key=table_key(f"confusion.groups.table.{column}", table["group"]),
        on_select="rerun",
        selection_mode="single-row",
        height=360,
        column_config={
            "Accuracy": percent,
            "Expected": percent,
            "Excess": st.column_config.NumberColumn(format="%+.1f", help=meaning("Excess")),
        },
    )
    row = selected_row(event, len(table))
    if row is not None:
        wrong = side.answers.where((each == table["group"].iloc[row]) & (side.answers.y_true != side.answers.y_pred))
        sounds(
            [(side.folds, confusion.most_confident(wrong))],
            [],
            key="confusion.groups.sounds",
            name=f"errors-by-{column}",
            columns=("title", "class", "predicted", "predicted_confidence"),
        )


@st.cache_data(max_entries=64, show_spinner="Drawing bootstrap samples …", hash_funcs={Pooled: identity_of})
def _accuracies(points: Sequence[Pooled], by: str) -> pd.DataFrame:
    groups = {} if by == SOUNDS_ALONE else _groups_of(points[0], by)
    return bootstrap.accuracies([point.answers for point in points], groups)


def thresholds(side: Side) -> None:
    """Accuracy by threshold and where it is applied, with intervals."""
    by = str(
        st.selectbox(
            "Resample", [SOUNDS_ALONE, *_groupings(side)], key="confusion.thresholds.by", help=meaning("Resample")
        )
    )
    drawn = "single sounds" if by == SOUNDS_ALONE else f"all sounds of one {escape(by)} together"
    wanted = {
        "training and test": {t: (t, t) for t in side.family},
        f"test only, trained on ≥ {side.trained}": {t: (side.trained, t) for t in THRESHOLDS},
        "training only, all sounds tested": {t: (t, 1) for t in side.family},
    }
    curves = {}
    for name, points in wanted.items():
        found = {t: at(side.family, *point) for t, point in points.items()}
        found = {t: pooled for t, pooled in found.items() if len(pooled.answers)}
        curves[name] = _accuracies(list(found.values()), by).assign(threshold=list(found))
    st.plotly_chart(per_class.threshold_figure(curves), config=PLAIN_CONFIG, key="confusion.thresholds")
    st.caption(
        f"Second level, pooled over folds; 95 % bootstrap intervals, resampling {drawn}. {SETS_DIFFER} "
        "Only where the training alone is filtered do all points share one test set. "
        "Change: against the lowest threshold of the same line, with an interval of its own. "
        f"Fewer than {bootstrap.LEAST_UNITS} give no interval and no point above."
    )
    table = pd.concat([t.assign(applied=name) for name, t in curves.items()], ignore_index=True)
    shares = ["accuracy", "low", "high", "change", "change_low", "change_high"]
    table[shares] *= 100
    shown = pd.DataFrame(
        {
            "Threshold applies to": table["applied"],
            "Threshold": table["threshold"].map(at_least),
            "Test sounds": table["sounds"],
            "Drawn": table["units"],
            "Accuracy": table["accuracy"],
            "95 %": [_between(a, b, "") for a, b in zip(table["low"], table["high"], strict=True)],
            "Change": table["change"],
            "95 % of the change": [
                _between(a, b, "+") for a, b in zip(table["change_low"], table["change_high"], strict=True)
            ],
        }
    )
    count = st.column_config.NumberColumn(format="localized")
    formats = {
        "Test sounds": count,
        "Drawn": count,
        "Accuracy": st.column_config.NumberColumn(format="%.1f", help=meaning("Accuracy")),
        "95 %": st.column_config.TextColumn(help=meaning("Interval")),
        "Change": st.column_config.NumberColumn(format="%+.1f"),
    }
    st.dataframe(shown, hide_index=True, column_config=formats, height="content")


def _between(low: float, high: float, sign: str) -> str:
    return f"too few, under {bootstrap.LEAST_UNITS}" if np.isnan(low) else f"{low:{sign}.1f} to {high:{sign}.1f}"
