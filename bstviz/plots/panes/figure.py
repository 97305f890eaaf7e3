"""The figure of one pane or two: their sounds, and the legend."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bstviz.plots.facets import STEPS, Column
from bstviz.plots.panes.layout import layout_of
from bstviz.plots.panes.overlays import contours, mark_traces, write_names
from bstviz.plots.panes.pane import POINTS, Coded, Look, Marks, Pane, size, trace
from bstviz.plots.style import literal

FILTERED, VALUELESS, PASSING, BESIDE, USUAL = 0.1, 0.35, 0.4, 0.22, 0.85
"""Opacity of a sound: not passing the filters, without a value; beside a selection if it passes filters, or if there
are none; and of all others. A selected sound is opaque.
"""


def map_figure(panes: Sequence[Pane], look: Look | None = None, marks: Marks | None = None) -> go.Figure:
    """A map of one pane or of two linked ones; see the module's conventions.

    Args:
        panes: One or two, of the same sounds and dimensions.
        look: How it is drawn.
        marks: What is brought out.
    """
    described = map_parts(panes, look, marks)
    return go.Figure(_spelled_out(described["data"]), described["layout"] | {"template": "none"})


def map_parts(panes: Sequence[Pane], look: Look | None = None, marks: Marks | None = None) -> dict[str, Any]:
    """What :func:`map_figure` makes its figure of, ``data`` and ``layout`` as plotly.js takes them; arrays are NumPy's,
    and :class:`~bstviz.plots.panes.pane.Coded` where a word each is meant.

    Plotly's own objects check every value of 11,000 points at every click, which takes longer than all else together.
    """
    look, marks = look or Look(), marks or Marks()
    first = panes[0]
    rows = np.arange(len(first.points)) if look.rows is None else look.rows
    data = [_sounds(pane, number, rows, marks, look) for number, pane in enumerate(panes)]
    for number, pane in enumerate(panes):
        data += mark_traces(pane, number, marks, look)
        if look.contours and look.groups is not None and first.points.shape[1] == 2:
            data += contours(pane, number, look.groups)
    data += _legend(panes, marks, look)
    layout = layout_of(panes, look)
    if look.names:
        write_names(layout, panes, look)
    return {"data": data, "layout": layout}


def _spelled_out(value: Any) -> Any:
    """A description with the words of each point written out, as Plotly's objects take them."""
    if isinstance(value, Coded):
        return value.tolist()
    if isinstance(value, dict):
        return {name: _spelled_out(inner) for name, inner in value.items()}
    return [_spelled_out(inner) for inner in value] if isinstance(value, list) else value


def _sounds(pane: Pane, number: int, rows: np.ndarray, marks: Marks, look: Look) -> Any:
    """The drawn sounds of a pane."""
    dimensions = pane.points.shape[1]
    opacity = _opacity(pane.column, rows, marks)
    marker = {"size": size(len(rows), dimensions), **_colors(pane.column, rows, opacity, dimensions)}
    if pane.wrong is not None and pane.wrong[rows].any():
        wrong = pane.wrong[rows]
        # by name: plotly.js draws the number of circle-open, 100, as a disc in WebGL
        marker["symbol"] = Coded(("circle", "circle-open"), wrong.astype(np.uint16))
        if dimensions == 2:
            marker["line"] = {"width": np.where(wrong, np.float32(1.8), np.float32(0))}
    hover: dict[str, Any] = {"hoverinfo": "none"}
    if look.hover and pane.texts is not None:
        hover = {"hoverinfo": "text", "text": pane.texts(rows), "hovertemplate": "%{text}<extra></extra>"}
    return trace(pane.points[rows], number, POINTS, vector=look.vector, name="sounds", marker=marker, **hover)


def _opacity(column: Column, rows: np.ndarray, marks: Marks) -> float | np.ndarray:
    """Of each drawn sound, (n,) float32; one number where all are alike."""
    missing = column.values is not None and np.isnan(column.values[rows])
    if marks.shown is None and not len(marks.selected) and not np.any(missing):
        return USUAL
    beside = USUAL if not len(marks.selected) else BESIDE if marks.shown is None else PASSING
    opacity = np.where(missing, min(VALUELESS, beside), beside).astype(np.float32)
    opacity = np.broadcast_to(opacity, len(rows)).copy()
    if marks.shown is not None:
        opacity[~marks.shown[rows]] = FILTERED
    opacity[np.isin(rows, marks.selected)] = 1
    return opacity


def _colors(column: Column, rows: np.ndarray, opacity: float | np.ndarray, dimensions: int) -> dict[str, Any]:
    """Marker settings that give each drawn sound its colour by an index; where opacities differ in 3-d, whose markers
    share one, by words that hold both.
    """
    index, colors = column.shades
    if dimensions == 2 or isinstance(opacity, float):
        return {"color": index[rows], **_scale(column), "opacity": opacity}
    rgb = [tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colors]
    levels, level = np.unique(opacity, return_inverse=True)
    words = [f"rgba({r},{g},{b},{a:.3g})" for r, g, b in rgb for a in levels]
    return {
        "color": Coded(words, (index[rows].astype(np.uint16) * len(levels) + level).astype(np.uint16)),
        "opacity": 1,
    }


def _scale(column: Column) -> dict[str, Any]:
    """Marker settings of a column's colours as steps of a colour scale."""
    index, colors = column.shades
    if column.edges is not None and index.max() < len(colors) - 1:
        colors = colors[:-1]  # nothing has the colour of what is missing
    stops = np.linspace(0, 1, len(colors) + 1)
    steps = [[stop, c] for i, c in enumerate(colors) for stop in (stops[i], stops[i + 1])]
    return {"colorscale": steps, "cmin": -0.5, "cmax": len(colors) - 0.5}


def _legend(panes: Sequence[Pane], marks: Marks, look: Look) -> list[Any]:
    """Entries of the legend: traces without points, one per category with its counts; for numbers a colour bar."""
    column, dimensions = panes[0].column, panes[0].points.shape[1]
    nowhere = np.full((1, dimensions), np.nan, np.float32)

    def entry(name: str, **options: Any) -> Any:
        return trace(nowhere, 0, "legend", vector=look.vector, name=name, showlegend=True, **options)

    entries = []
    if column.edges is not None:
        marker = {
            "color": [0],
            **_scale(column),
            "showscale": True,
            "colorbar": _bar(column, below=look.below or len(panes) == 2),
        }
        entries.append(trace(nowhere, 0, "legend", vector=look.vector, marker=marker))
    else:
        chosen = column.counts(marks.selected) if len(marks.selected) else None
        for place, (category, count) in enumerate(zip(column.categories, column.counts(), strict=True)):
            if not count:
                continue
            own = f"{count:,}" if chosen is None else f"{chosen[place]:,} of {count:,}"
            off = bool(marks.on) and category.label not in marks.on
            entries.append(
                entry(
                    f"{literal(category.label)} ({own})",
                    marker={"size": 9, "color": category.color},
                    visible="legendonly" if off else True,
                    meta={"part": "legend", "label": category.label},
                )
            )
    if any(pane.wrong is not None and pane.wrong.any() for pane in panes):
        alone = f" wrong: {panes[0].judged}" if len(panes) == 1 and panes[0].judged else " wrong"
        words = "<br>".join(textwrap.wrap(f"predicted{alone}", 26))
        ring = {"size": 9, "symbol": "circle-open", "color": "#6b7686", "line": {"width": 2}}
        entries.append(entry(words, marker=ring))
    return entries


def _bar(column: Column, *, below: bool) -> dict[str, Any]:
    """The colour bar of numbers, beside the map or below it."""
    assert column.edges is not None
    ticks, edges = np.linspace(0, STEPS - 1, len(column.edges)), list(column.edge_labels)
    bar: dict[str, Any] = {"title": {"text": literal(column.label)}, "thickness": 14}
    if below:
        bar |= {"orientation": "h", "x": 0, "xanchor": "left", "len": 0.5, "y": -0.08, "yanchor": "top"}
        bar["title"] |= {"side": "top"}
        return bar | {"tickvals": ticks[::5], "ticktext": edges[::5]}
    bar |= {"tickvals": ticks, "ticktext": edges}
    return bar | {"y": 0, "yanchor": "bottom", "len": 0.7}
