"""Confusion matrices to Plotly figures: one, the difference of two, and a strip of small ones on one scale.

Conventions as in :mod:`bstviz.evaluation.confusion` and :mod:`bstviz.plots.sounds`. Colours follow the page's, light or
dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bstviz.evaluation.confusion import CELLS, Axis, Cells, difference, shares
from bstviz.plots.style import literal

NAMED = 10  # classes up to which a matrix has their names on its axes
NIGHT = ("#1a1f27", "#1c3354", "#225088", "#2d6cba", "#3f86e0")
"""Blues for dark pages: few is near the page's own colour, and white numbers are legible on all."""
MORE_OR_LESS = ("#a04a00", "#e08a3c", "#f6d5b0", "#ffffff", "#b5d3ee", "#4d94cf", "#0b5394")
MORE_OR_LESS_NIGHT = ("#d9792b", "#9a531d", "#4a311f", "#1a1f27", "#1c3354", "#2a62a6", "#3f86e0")
"""Orange where the second has more, blue where the first has, the page's colour at none; apart for the colour-blind."""
LINE = "#8a94a6"
CHOSEN = "#e0219b"


def confusion_figure(
    matrix: np.ndarray,
    along: Axis,
    *,
    cells: Cells = "row",
    height: int = 760,
    dark: bool = False,
    named: bool = False,
    chosen: tuple[str, str] | None = None,
    title: str = "",
) -> go.Figure:
    """Confusion matrix: rows true, columns predicted, lines between top-level blocks; cells can be clicked.

    Args:
        matrix: (k, k) counts.
        along: Its classes.
        cells: What is printed; counts are coloured by their share of the row.
        height: In pixels.
        dark: Colours for a dark page.
        named: Names beside the codes of the rows; takes a wide figure.
        chosen: Codes of the cell that is framed.
        title: What is shown, for a picture that stands alone; may have several lines.
    """
    shown = shares(matrix, cells) * (1 if cells == "count" else 100)
    digits = _digits(along, cells)
    text = [[f"{v:.{digits}f}" if v >= 0.5 / 10**digits else "" for v in row] for row in shown]
    heat = {
        "z": 100 * np.nan_to_num(shares(matrix, "row" if cells == "count" else cells)),
        "text": text,
        "colorscale": _blues(dark),
        "zmin": 0,
        "zmax": 100,
        "showscale": False,
    }
    of_true, of_predicted = (100 * np.nan_to_num(shares(matrix, c)) for c in ("row", "column"))
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    hover = [
        f"{matrix[t, p]:,}: {of_true[t, p]:.1f} % of {true[t]:,} true,"
        f"<br>{of_predicted[t, p]:.1f} % of {predicted[p]:,} predicted"
        for t, p in np.ndindex(matrix.shape)
    ]
    axes = _axes(along, true, predicted if cells == "column" else None, named=named)
    return _figure(heat, hover, along, axes, chosen=chosen, height=height, title=title)


def difference_figure(
    first: np.ndarray,
    second: np.ndarray,
    along: Axis,
    *,
    cells: Cells = "row",
    height: int = 760,
    dark: bool = False,
    chosen: tuple[str, str] | None = None,
    title: str = "",
) -> go.Figure:
    """First minus second matrix of counts (k, k), in percentage points or sounds, 0 in the middle of the colours.

    The other arguments are those of :func:`confusion_figure`; the supports in brackets are both matrices'.
    """
    factor, unit = (1, "sounds") if cells == "count" else (100, "points")
    shown = factor * difference(first, second, cells)
    reach = max(float(np.nanmax(np.abs(shown), initial=0)), 1.0)
    digits = _digits(along, cells)
    text = [[f"{v:+.{digits}f}".replace("-", "−") if abs(v) >= 0.5 / 10**digits else "" for v in row] for row in shown]
    heat = {
        "z": shown,
        "text": text,
        "zmin": -reach,
        "zmid": 0,
        "zmax": reach,
        "colorscale": _scale(MORE_OR_LESS_NIGHT if dark else MORE_OR_LESS),
        "colorbar": {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }
    one, two = (factor * shares(m, cells) for m in (first, second))
    exact = 0 if cells == "count" else 1
    hover = [
        f"{one[at]:.{exact}f} − {two[at]:.{exact}f} = {shown[at]:+.{exact}f} {unit}"
        f"<br>{first[at]:,} and {second[at]:,} sounds"
        for at in np.ndindex(first.shape)
    ]
    axes = _axes(along, first.sum(axis=1), None, other=second.sum(axis=1))
    return _figure(heat, hover, along, axes, chosen=chosen, height=height, title=title)


def strip_figure(
    rows: Sequence[Sequence[tuple[str, np.ndarray | None]]],
    along: Axis,
    *,
    cells: Cells = "row",
    dark: bool = False,
    side: int = 230,
) -> go.Figure:
    """Small matrices in rows, all on one colour scale.

    Args:
        rows: Equally long rows of title (lines separated by ``<br>``, other people's words escaped) and counts (k, k)
            of each; None leaves its place empty.
        along: Their classes.
        cells: What is coloured.
        dark: Colours for a dark page.
        side: Height of one in pixels.
    """
    factor, unit = (1, "sounds") if cells == "count" else (100, CELLS[cells])
    figure = make_subplots(
        len(rows),
        len(rows[0]),
        subplot_titles=[title for row in rows for title, _ in row],
        horizontal_spacing=0.02,
        vertical_spacing=0.25 / len(rows),
    )
    ends, largest = (-0.5, len(along.block) - 0.5), 1.0
    shapes: list[dict[str, Any]] = []  # put in at once: added one by one, each is checked against all
    for i, row in enumerate(rows):
        for j, (_, matrix) in enumerate(row):
            if matrix is None:
                figure.update_xaxes(visible=False, row=i + 1, col=j + 1)
                continue
            shown = factor * np.nan_to_num(shares(matrix, cells))
            largest = max(largest, float(shown.max()))
            figure.add_trace(
                go.Heatmap(
                    z=shown,
                    x=_codes(along),
                    y=_codes(along),
                    coloraxis="coloraxis",
                    xgap=0.5,
                    ygap=0.5,
                    hovertemplate=f"%{{y}} → %{{x}}: %{{z:.0f}} {unit}<extra></extra>",
                ),
                row=i + 1,
                col=j + 1,
            )
            number = i * len(row) + j + 1
            line = {"type": "line", "xref": f"x{number}", "yref": f"y{number}", "line": {"color": LINE, "width": 1}}
            for edge in _edges(along):
                shapes.append({**line, "x0": edge, "x1": edge, "y0": ends[0], "y1": ends[1]})
                shapes.append({**line, "y0": edge, "y1": edge, "x0": ends[0], "x1": ends[1]})
    plain = {"showgrid": False, "zeroline": False}
    figure.update_xaxes(showticklabels=len(along.block) <= NAMED, **plain)
    figure.update_yaxes(showticklabels=False, autorange="reversed", **plain)
    figure.update_annotations(font_size=12)
    bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    scale = {"colorscale": _blues(dark), "cmin": 0, "cmax": largest if cells == "count" else 100, "colorbar": bar}
    margin = {"l": 8, "r": 8, "t": 44, "b": 8}
    figure.update_layout(height=len(rows) * (side + 60) + 20, margin=margin, coloraxis=scale, shapes=shapes)
    return figure


def _scale(colors: Sequence[str]) -> list[tuple[float, str]]:
    return list(zip(np.linspace(0, 1, len(colors)).tolist(), colors, strict=True))


def _blues(dark: bool) -> str | list[tuple[float, str]]:
    return _scale(NIGHT) if dark else "Blues"


def _font(along: Axis) -> int:
    return 11 if len(along.classes) > NAMED else 15


def _codes(along: Axis) -> list[str]:
    return [literal(code) for code in along.codes]


def _digits(along: Axis, cells: Cells) -> int:
    """Decimals that cells have room for."""
    return int(cells != "count" and len(along.classes) <= NAMED)


def _edges(along: Axis) -> np.ndarray:
    """Where blocks meet."""
    return np.flatnonzero(np.diff(along.block)) + 0.5


def _figure(
    heat: dict[str, Any],
    hover: Sequence[str],
    along: Axis,
    axes: dict[str, Any],
    *,
    chosen: tuple[str, str] | None,
    height: int,
    title: str,
) -> go.Figure:
    """The figure of one matrix, put together as plain values: Plotly checks what it is given each time it is given
    something.

    Args:
        heat: What colours and fills the cells.
        hover: What is said of each cell, row by row.
        along: The classes.
        axes: As :func:`_axes` makes them.
        chosen: Codes of the cell that is framed.
        height: In pixels.
        title: What is shown; may have several lines.
    """
    cells = {"texttemplate": "%{text}", "textfont": {"size": _font(along)}, "hoverinfo": "skip", "xgap": 1, "ygap": 1}
    lines = [literal(line) for line in title.splitlines()]
    layout = {
        **axes,
        "shapes": _frame(along, chosen),
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 18 * len(lines) + 14 if lines else 8, "b": 8},
        "clickmode": "event+select",
        "dragmode": False,
    }
    if lines:
        place = {"x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 6}
        note = {"text": "<br>".join(lines), "align": "left", "showarrow": False, "font": {"size": 13}, **place}
        layout["annotations"] = [note]
    return go.Figure([{"type": "heatmap", **heat, **cells}, _clickable(along, hover, height)], layout)


def _clickable(along: Axis, hover: Sequence[str], height: int) -> dict[str, Any]:
    """Near-invisible markers over the cells: a heatmap returns nothing on a click."""
    k = len(along.classes)
    names = [literal(c.name) for c in along.classes]
    true, predicted = (a.ravel() for a in np.indices((k, k)))
    return {
        "type": "scatter",
        "x": predicted,
        "y": true,
        "mode": "markers",
        "customdata": [f"{along.codes[t]}|{along.codes[p]}" for t, p in zip(true, predicted, strict=True)],
        "marker": {"size": max((height - 120) / k * 0.8, 6), "symbol": "square", "opacity": 0.01, "color": "#888"},
        "hovertext": [
            f"{names[t]} → {names[p]}<br>{words}" for t, p, words in zip(true, predicted, hover, strict=True)
        ],
        "hoverinfo": "text",
        "unselected": {"marker": {"opacity": 0.01}},
        "selected": {"marker": {"opacity": 0.25}},
        "showlegend": False,
    }


def _frame(along: Axis, chosen: tuple[str, str] | None) -> list[dict[str, Any]]:
    """Lines between blocks, and a frame around the chosen cell."""
    ends, shapes = (-0.5, len(along.classes) - 0.5), []
    line = {"type": "line", "line": {"color": LINE, "width": 3}}
    for edge in _edges(along):
        shapes.append({**line, "x0": edge, "x1": edge, "y0": ends[0], "y1": ends[1]})
        shapes.append({**line, "x0": ends[0], "x1": ends[1], "y0": edge, "y1": edge})
    if chosen and set(chosen) <= set(along.codes):
        y, x = (along.codes.index(code) for code in chosen)
        place = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
        shapes.append({"type": "rect", **place, "line": {"color": CHOSEN, "width": 3}})
    return shapes


def _axes(
    along: Axis,
    true: np.ndarray,
    predicted: np.ndarray | None,
    *,
    other: np.ndarray | None = None,
    named: bool = False,
) -> dict[str, Any]:
    """Classes along both sides, with the supports (k,) of rows and, where given, of columns in brackets."""
    k, names, codes = len(along.classes), [literal(c.name) for c in along.classes], _codes(along)
    labels = codes if k > NAMED else names
    rows = [f"{name} · {code}" for name, code in zip(names, codes, strict=True)] if named else labels
    supports = [f"{n:,}" for n in true]
    if other is not None and (other != true).any():
        supports = [f"{n:,} / {m:,}" for n, m in zip(true, other, strict=True)]
    columns = labels
    if predicted is not None:
        columns = [f"{label}  ({n:,})" for label, n in zip(labels, predicted, strict=True)]
    plain = {"tickvals": list(range(k)), "showgrid": False, "zeroline": False, "automargin": True}
    return {
        "xaxis": {
            **plain,
            "title": "predicted" + ("" if predicted is None else " (sounds)"),
            "ticktext": columns,
            "range": [-0.5, k - 0.5],
            "tickangle": None if predicted is None else -90,
        },
        "yaxis": {
            **plain,
            "title": "true (sounds)",
            "ticktext": [f"{row}  ({support})" for row, support in zip(rows, supports, strict=True)],
            "range": [k - 0.5, -0.5],
        },
    }
