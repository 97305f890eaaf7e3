"""Figures of how good predictions are, mostly class by class: accuracy, attention, thresholds, reliability.

Conventions: arrays and tables in, figures out; names of classes are other people's words, and escaped. Figure 3 of the
paper is :func:`class_accuracy_figure`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.evaluation import calibration, metrics
from bstviz.plots.style import LEGEND, MARGIN, literal

LINES = ("#2385ca", "#e0662c", "#5b8c3a")
DASHES = ("solid", "dot", "dash")
AGAINST = {"sounds": "test sounds (log scale)", "confidence": "mean annotation confidence of the class's test sounds"}
"""What a class's accuracy can be drawn against, by column of :func:`bstviz.evaluation.per_class.by_class`."""


def class_scatter_figure(taxonomy: Taxonomy, table: pd.DataFrame, against: str, *, height: int = 380) -> go.Figure:
    """Accuracy of each class, with its interval, against what its sounds are like.

    Args:
        taxonomy: The classes.
        table: As :func:`bstviz.evaluation.per_class.by_class` gives it.
        against: A key of :data:`AGAINST`.
        height: In pixels.
    """
    table = table[table[against].notna()]
    classes = [taxonomy[code] for code in table["code"]]
    figure = go.Figure(
        go.Scatter(
            x=table[against],
            y=100 * table["accuracy"],
            mode="markers+text",
            text=[literal(c.code) for c in classes],
            textposition="middle right",
            textfont={"size": 10},
            cliponaxis=False,
            marker={"size": 10, "color": [c.color for c in classes], "line": {"width": 1, "color": "#8a94a6"}},
            error_y={
                "array": 100 * (table["high"] - table["accuracy"]),
                "arrayminus": 100 * (table["accuracy"] - table["low"]),
                "thickness": 1,
                "width": 2,
                "color": "#8a94a6",
            },
            hovertext=[
                f"{literal(c.name)}<br>{100 * a:.1f} % of {n:,}"
                + ("" if pd.isna(m) else f"<br>mean annotation confidence {m:.2f}")
                for c, a, n, m in zip(classes, table["accuracy"], table["sounds"], table["confidence"], strict=True)
            ],
            hoverinfo="text",
        )
    )
    figure.update_layout(height=height, margin=MARGIN)
    figure.update_xaxes(
        title=AGAINST[against],
        type="log" if against == "sounds" else "linear",
        dtick="D2" if against == "sounds" else None,
    )
    figure.update_yaxes(title="accuracy, %", range=[0, 106])
    return figure


def threshold_figure(curves: Mapping[str, pd.DataFrame], *, height: int = 400) -> go.Figure:
    """Accuracy by annotation confidence threshold, one line for each place where it is applied, with intervals.

    Args:
        curves: By name, rows of :func:`bstviz.evaluation.bootstrap.accuracies` with a column ``threshold``; those
            without an interval, of a few sounds, are left out.
        height: In pixels.
    """
    figure = go.Figure()
    for i, (name, whole) in enumerate(curves.items()):
        table = whole[whole["low"].notna()]
        figure.add_trace(
            go.Scatter(
                x=table["threshold"] + 0.05 * (i - (len(curves) - 1) / 2),
                y=100 * table["accuracy"],
                name=literal(name),
                mode="lines+markers",
                line={"color": LINES[i % len(LINES)], "dash": DASHES[i % len(DASHES)]},
                marker={"size": 9},
                error_y={
                    "array": 100 * (table["high"] - table["accuracy"]),
                    "arrayminus": 100 * (table["accuracy"] - table["low"]),
                    "thickness": 1.5,
                    "width": 4,
                },
                hovertext=[
                    f"{literal(name)}, ≥ {t}<br>{100 * a:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {n:,}"
                    for t, a, low, high, n in zip(
                        *(table[c] for c in ("threshold", "accuracy", "low", "high", "sounds")), strict=True
                    )
                ],
                hoverinfo="text",
            )
        )
    figure.update_layout(height=height, margin=MARGIN, legend=LEGEND)
    figure.update_xaxes(
        title="annotation confidence threshold",
        tickvals=[1, 2, 3, 4, 5],
        ticktext=[f"≥ {t}" for t in range(1, 6)],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title="second-level accuracy, %")
    return figure


def class_accuracy_figure(
    taxonomy: Taxonomy, y_true: np.ndarray, y_pred: np.ndarray, *, height: int = 560
) -> go.Figure:
    """Figure 3: accuracy of each second-level class, sorted, coloured by its number of test sounds.

    Args:
        taxonomy: The classes.
        y_true: (n,) second-level labels of test sounds.
        y_pred: (n,) predicted ones.
        height: In pixels.
    """
    accuracy = metrics.class_accuracy(y_true, y_pred, len(taxonomy.codes))
    support = np.bincount(y_true, minlength=len(taxonomy.codes))
    order = [c for c in np.argsort(-np.nan_to_num(accuracy), kind="stable") if support[c]]
    names = [literal(taxonomy.second[c].name) for c in order]
    hover = [f"{n}<br>{100 * accuracy[c]:.1f} % of {support[c]:,}" for c, n in zip(order, names, strict=True)]
    figure = go.Figure(
        go.Bar(
            x=[taxonomy.codes[c] for c in order],
            y=100 * accuracy[order],
            hovertext=hover,
            hoverinfo="text",
            text=[f"{100 * accuracy[c]:.0f}" for c in order],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": support[order],
                "colorscale": "Viridis",
                "cmin": 0,
                "colorbar": {"title": "test<br>sounds", "thickness": 14},
            },
        )
    )
    figure.update_layout(height=height, margin=MARGIN, bargap=0.2)
    figure.update_yaxes(title="accuracy, %", range=[0, 106])
    figure.update_xaxes(
        title="second-level class, best first",
        tickvals=list(range(len(order))),
        ticktext=names,
        tickangle=-45,
        automargin=True,
    )
    return figure


def attention_figure(taxonomy: Taxonomy, y_true: np.ndarray, audio: np.ndarray, *, height: int = 620) -> go.Figure:
    """How much the model attends to the audio, by class: median and quartiles of the audio's attention weight, most
    first.

    Args:
        taxonomy: The classes.
        y_true: (n,) second-level labels of test sounds.
        audio: (n,) attention weights of the audio; the text has the rest.
        height: In pixels.
    """
    present = np.unique(y_true)
    quartiles = np.array([np.percentile(audio[y_true == c], [25, 50, 75]) for c in present])
    order = np.argsort(-quartiles[:, 1], kind="stable")
    classes = [taxonomy.second[c] for c in present[order]]
    low, middle, high = 100 * quartiles[order].T
    positions = list(range(len(classes)))
    figure = go.Figure(
        go.Scatter(
            x=middle,
            y=positions,
            mode="markers",
            cliponaxis=False,
            marker={"size": 11, "color": [c.color for c in classes], "line": {"width": 1, "color": "#8a94a6"}},
            error_x={
                "array": high - middle,
                "arrayminus": middle - low,
                "thickness": 1.5,
                "width": 3,
                "color": "#8a94a6",
            },
            hovertext=[f"{literal(c.name)}: {m:.0f} % audio" for c, m in zip(classes, middle, strict=True)],
            hoverinfo="text",
        )
    )
    figure.update_layout(height=height, margin=MARGIN)
    figure.update_xaxes(title="weight of the audio, % (the rest is the text's)", range=[-1, 101], zeroline=False)
    figure.update_yaxes(
        tickvals=positions,
        ticktext=[literal(c.name) for c in classes],
        range=[len(classes) - 0.5, -0.5],
        automargin=True,
    )
    return figure


def reliability_figure(
    y_true: np.ndarray, probabilities: np.ndarray, parents: np.ndarray, *, bins: int = 10, height: int = 360
) -> go.Figure:
    """How often predictions of a given confidence are correct at both levels, over test sounds, and how many.

    Args:
        y_true: (n,) second-level labels.
        probabilities: (n, C).
        parents: (C,) top labels.
        bins: Number of bins of equal width.
        height: In pixels.
    """
    figure = go.Figure(
        go.Scatter(
            x=[0, 100],
            y=[0, 100],
            mode="lines",
            line={"dash": "dot", "color": "#8a94a6"},
            hoverinfo="skip",
            name="perfect",
        )
    )
    for level, color, above in (("second level", "#2385ca", None), ("top level", "#e69f00", parents)):
        binned = calibration.reliability(y_true, probabilities, bins=bins, parents=above)
        hover = [
            f"{level}, {n:,} sounds: accuracy {100 * accuracy:.0f} %, mean confidence {100 * confidence:.0f} %"
            for n, accuracy, confidence in zip(binned.count, binned.accuracy, binned.confidence, strict=True)
        ]
        size = 7 + 26 * np.sqrt(binned.count / binned.count.max())
        figure.add_trace(
            go.Scatter(
                x=100 * binned.confidence,
                y=100 * binned.accuracy,
                mode="lines+markers",
                cliponaxis=False,
                hovertext=hover,
                hoverinfo="text",
                name=level,
                line={"color": color},
                marker={"size": size, "color": color, "opacity": 0.85},
            )
        )
    figure.data[0].showlegend = False
    figure.update_layout(height=height, margin=MARGIN, legend={**LEGEND, "itemsizing": "constant"})
    figure.update_xaxes(title="confidence (probability of the predicted class), %", range=[0, 102])
    figure.update_yaxes(title="accuracy, %", range=[0, 104])
    return figure
