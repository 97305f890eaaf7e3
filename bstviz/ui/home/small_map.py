"""A small map of an experiment: each test sound a dot that moves from where the flat model puts it to where the
hierarchical one does. It is HTML and CSS alone, so that the Overview needs neither plotly.js nor WebGL.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from bstviz.plots.facets import TONES, Category

DOTS = 300
"""Drawn at most; a stratified sample of more."""
SIDE, EDGE = 100, 4
"""Of the picture, in percent of its width: width and height, and what stays empty around the dots."""


def small_map(
    points: np.ndarray, colors: np.ndarray, legend: Sequence[Category], *, words: str, before: np.ndarray | None = None
) -> None:
    """Draw a map.

    Args:
        points: (n, 2) where the sounds lie.
        colors: (n,) index of each sound into the legend.
        legend: Classes and their colors.
        words: What is drawn, for those who cannot see it.
        before: (n, 2) where they come from, aligned to ``points``; they go back there when a box is ticked.
    """
    st.html(picture(points, colors, legend, words=words, before=before))


def picture(
    points: np.ndarray, colors: np.ndarray, legend: Sequence[Category], *, words: str, before: np.ndarray | None = None
) -> str:
    """HTML of a map; see :func:`small_map`."""
    both = points if before is None else np.concatenate([points, before])
    low, span = both.min(axis=0), float(np.ptp(both, axis=0).max()) or 1.0
    shift = (SIDE - (SIDE - 2 * EDGE) * np.ptp(both, axis=0) / span) / 2

    def placed(own: np.ndarray) -> np.ndarray:
        at: np.ndarray = (own - low) / span * (SIDE - 2 * EDGE) + shift
        at[:, 1] = SIDE - at[:, 1]  # up is up
        return np.round(at, 1)

    to, start = placed(points), placed(points if before is None else before)
    groups = []
    for index, category in enumerate(legend):
        dots = "".join(
            f'<i style="--x:{x}cqw;--y:{y}cqw;--u:{u}cqw;--v:{v}cqw"></i>'
            for (x, y), (u, v) in zip(to[colors == index].tolist(), start[colors == index].tolist(), strict=True)
        )
        groups.append(f'<div style="color:{_tone(category)}">{dots}</div>')
    names = "".join(f'<span><i style="background:{_tone(c)}"></i>{html.escape(c.label)}</span>' for c in legend)
    box = '<label><input type="checkbox">Show where the non-hierarchical model puts them</label>' * (before is not None)
    return (
        f'<figure class="small-map{" moves" if before is not None else ""}">'
        f'<div class="dots" role="img" aria-label="{html.escape(words)}">{"".join(groups)}</div>'
        f'<div class="legend">{names}</div>{box}</figure>'
    )


def _tone(category: Category) -> str:
    return TONES.get(category.color, category.color)
