"""Figures of one sound: its spectrogram, and the answer along it. Names of other people's classes are escaped."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go

from bstviz.audio.spectrogram import Spectrogram
from bstviz.datasets.taxonomy import Taxonomy

HEAT = ("#060310", "#1d1147", "#51127c", "#832681", "#b73779", "#e75263", "#fc8961", "#fec488", "#fcfdbf")
"""Magma from nearly black: the theme would take its own first colour for a name in its palette."""


def spectrogram_figure(spectrogram: Spectrogram, *, height: int = 210) -> go.Figure:
    """Log-mel spectrogram with seconds and hertz on its axes."""
    ticks = np.array([200, 1_000, 3_000, 10_000])
    frequency = spectrogram.frequency
    ticks = ticks[(ticks >= frequency[0]) & (ticks <= frequency[-1])]
    rows = np.interp(ticks, frequency, np.arange(len(frequency)))
    levels = np.round(spectrogram.db).clip(-80, 0).astype(np.int8)  # one byte per cell on the wire
    figure = go.Figure(
        go.Heatmap(z=levels, x=spectrogram.time, colorscale=HEAT, showscale=False, hoverinfo="skip", zmin=-80, zmax=0)
    )
    names = [f"{t // 1000} kHz" if t >= 1000 else f"{t} Hz" for t in ticks]
    figure.update_layout(height=height, margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(title="seconds", showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=rows, ticktext=names, showgrid=False, zeroline=False)
    return figure


def timeline_figure(
    taxonomy: Taxonomy, edges: np.ndarray, probabilities: np.ndarray, *, height: int = 190
) -> go.Figure:
    """Probabilities of the top-level classes along a sound, stacked; on hover the second-level class
    of a stretch, decoded top-down.

    Args:
        taxonomy: The classes.
        edges: (n + 1,) in seconds.
        probabilities: (n, C) of the stretches between them.
        height: In pixels.
    """
    mass, labels = taxonomy.top_mass(probabilities), taxonomy.top_down(probabilities)
    unit, name = (60.0, "minutes") if edges[-1] >= 180 else (1.0, "seconds")
    best = [taxonomy[taxonomy.codes[i]] for i in labels]
    hover = [
        f"{a:.0f}–{b:.0f} s<br><b>{html.escape(c.name)}</b> {100 * p:.0f} %"
        for a, b, c, p in zip(edges[:-1], edges[1:], best, probabilities[np.arange(len(labels)), labels], strict=True)
    ]
    figure = go.Figure(
        [
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2 / unit,
                y=100 * mass[:, i],
                width=np.diff(edges) / unit,
                marker={"color": top.color, "line": {"width": 0}},
                name=top.name,
                hovertext=hover,
                hoverinfo="text",
            )
            for i, top in enumerate(taxonomy.top)
        ]
    )
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(
        height=height, margin={"l": 4, "r": 4, "t": 4, "b": 4}, barmode="stack", bargap=0, legend=legend
    )
    end = float(edges[-1]) / unit
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300) if end / s <= 12), 600)
    figure.update_xaxes(title=name, range=[0, end], tick0=0, dtick=step, showgrid=False, zeroline=False)
    percent = {"tickvals": [0, 50, 100], "ticktext": ["0 %", "50 %", "100 %"]}
    figure.update_yaxes(range=[0, 100], showgrid=False, zeroline=False, **percent)
    return figure
