"""Pictures of one sound: its waveform and spectrogram, and the answer along it. Names of other people's classes are
escaped.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from bstviz.audio.spectrogram import envelope, log_frequency, spectrogram
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.plots.style import literal

COLORS = "Magma"
"""Plotly's scale of a spectrogram's levels."""


def picture(samples: np.ndarray, rate: int) -> dict[str, Any]:
    """What the player draws of a sound: the envelope of its waveform and its log-frequency spectrogram.

    Args:
        samples: (n,) float32 mono.
        rate: Their rate in Hz.

    Returns:
        Plain values for JSON: ``seconds``; ``waveform``, base64 of pairs of int8 (lowest and highest of a stretch, 127
        full scale); ``levels``, base64 of ``rows`` x ``columns`` uint8, lowest frequency first, 255 the peak and 0
        80 dB below it; ``ticks`` of the frequency axis, text and height 0 to 1; ``colors``, of levels from low to high.
    """
    levels, ticks = log_frequency(spectrogram(samples, rate))
    return {
        "seconds": len(samples) / rate,
        "waveform": base64.b64encode(envelope(samples).tobytes()).decode(),
        "levels": base64.b64encode(levels.tobytes()).decode(),
        "rows": levels.shape[0],
        "columns": levels.shape[1],
        "ticks": [{"text": text, "at": at} for text, at in ticks],
        "colors": [color for _, color in get_colorscale(COLORS)],
    }


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
        f"{a:.0f}–{b:.0f} s<br><b>{literal(c.name)}</b> {100 * p:.0f} %"
        for a, b, c, p in zip(edges[:-1], edges[1:], best, probabilities[np.arange(len(labels)), labels], strict=True)
    ]
    figure = go.Figure(
        [
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2 / unit,
                y=100 * mass[:, i],
                width=np.diff(edges) / unit,
                marker={"color": top.color, "line": {"width": 0}},
                name=literal(top.name),
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
