"""What accuracy goes with: a class's sounds and annotators, the confidence threshold.

Conventions as in :mod:`bstviz.figures`; figure 3 of the paper is :func:`bstviz.result_figures.class_accuracy_figure`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from bstviz.result_figures import LEGEND, MARGIN
from bstviz.taxonomy import Taxonomy

LINES = ("#2385ca", "#e0662c", "#5b8c3a")
DASHES = ("solid", "dot", "dash")
AGAINST = {"sounds": "test sounds (log scale)", "confidence": "mean annotation confidence of the class's test sounds"}
"""What a class's accuracy can be drawn against, by column of :func:`bstviz.by_class.by_class`."""


def class_scatter_figure(taxonomy: Taxonomy, table: pd.DataFrame, against: str, *, height: int = 380) -> go.Figure:
    """Accuracy of each class, with its interval, against what its sounds are like.

    Args:
        taxonomy: The classes.
        table: As :func:`bstviz.by_class.by_class` gives it.
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
            text=[html.escape(c.code) for c in classes],
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
                f"{html.escape(c.name)}<br>{100 * a:.1f} % of {n:,}"
                + ("" if pd.isna(m) else f"<br>mean confidence {m:.2f}")
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
    """Accuracy by confidence threshold, a line for where it is applied, with intervals.

    Args:
        curves: By name, rows of :func:`bstviz.bootstrap.accuracies` with a column ``threshold``; those without an
            interval, of a few sounds, are left out.
        height: In pixels.
    """
    figure = go.Figure()
    for i, (name, whole) in enumerate(curves.items()):
        table = whole[whole["low"].notna()]
        figure.add_trace(
            go.Scatter(
                x=table["threshold"] + 0.05 * (i - (len(curves) - 1) / 2),
                y=100 * table["accuracy"],
                name=html.escape(name),
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
                    f"{html.escape(name)}, ≥ {t}<br>{100 * a:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {n:,}"
                    for t, a, low, high, n in zip(
                        *(table[c] for c in ("threshold", "accuracy", "low", "high", "sounds")), strict=True
                    )
                ],
                hoverinfo="text",
            )
        )
    figure.update_layout(height=height, margin=MARGIN, legend=LEGEND)
    figure.update_xaxes(
        title="confidence threshold",
        tickvals=[1, 2, 3, 4, 5],
        ticktext=[f"≥ {t}" for t in range(1, 6)],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title="second-level accuracy, %")
    return figure
