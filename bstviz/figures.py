"""Tables to Plotly figures; nothing here knows of the pages.

Conventions: a map is one trace of N points whose ``customdata`` is the sound id, SVG up to :data:`SVG_POINTS` points (so
that it draws in every browser) and WebGL above. Titles are other people's text and are escaped.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bstviz.audio import Spectrogram
from bstviz.run import Run
from bstviz.taxonomy import Taxonomy

SVG_POINTS = 2_500
HOVER_POINTS = 20_000
NAMED = 10  # classes up to which a matrix has their names on its axes
MISSING = "#a4abb6"
RIGHT, WRONG = "#2385ca", "#e0662c"  # apart for colour-blind eyes too
CONFIDENCE_COLORS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#e3cf1c")
SPLIT_COLORS = {"train": "#8a94a6", "val": "#b66dd3", "test": "#2385ca", "below": "#e8a33a", "unused": "#d0d4da"}
COLOR_BY = {
    "top": "Top-level class",
    "second": "Second-level class",
    "predicted": "Predicted class",
    "correct": "Right or wrong",
    "confidence": "Annotation confidence",
    "split": "Split",
}
MARK = "#e0662c"
HEAT = ("#060310", "#1d1147", "#51127c", "#832681", "#b73779", "#e75263", "#fc8961", "#fec488", "#fcfdbf")
"""Magma from nearly black: the theme would take its own first colour for a name in its palette."""
RINGED = 12  # marked sounds up to which each gets a ring
EMPTY_AXIS = {"showgrid": False, "zeroline": False, "showticklabels": False}


@dataclass(frozen=True)
class LegendEntry:
    """A category on a map: its label, colour and number of sounds."""

    label: str
    color: str
    count: int


@dataclass(frozen=True)
class Coloring:
    """Category of each sound, (N,) indices into ``legend``."""

    index: np.ndarray
    legend: tuple[LegendEntry, ...]


def _coloring(values: np.ndarray, order: list, colors: list[str], labels: list[str]) -> Coloring:
    """Coloring from values and the ordered categories; what is none of them is grey, last, "none"."""
    position = {value: i for i, value in enumerate(order)}
    index = np.array([position.get(v, len(order)) for v in values.tolist()], np.int16)
    counts = np.bincount(index, minlength=len(order) + 1)
    entries = [
        LegendEntry(*entry) for entry in zip([*labels, "none"], [*colors, MISSING], counts.tolist(), strict=True)
    ]
    kept = [i for i, entry in enumerate(entries) if entry.count]
    remap = np.full(len(entries), 0, np.int16)
    remap[kept] = np.arange(len(kept))
    return Coloring(remap[index], tuple(entries[i] for i in kept))


def color_sounds(run: Run, confidence: pd.Series, by: str) -> Coloring:
    """Colour the sounds of a run.

    Args:
        run: The run.
        confidence: Annotation confidence of its sounds, in its order; missing where there is none.
        by: A key of :data:`COLOR_BY`.
    """
    taxonomy = run.taxonomy
    if by == "correct":
        values = np.where(run.y_true < 0, "none", np.where(run.y_true == run.y_pred, "right", "wrong"))
        return _coloring(values, ["right", "wrong"], [RIGHT, WRONG], ["right", "wrong"])
    if by == "confidence":
        values = confidence.fillna(0).to_numpy(int)
        return _coloring(values, [1, 2, 3, 4, 5], list(CONFIDENCE_COLORS), ["1 unsure", "2", "3", "4", "5 certain"])
    if by == "split":
        return _coloring(
            run.sounds["split"].to_numpy(), list(SPLIT_COLORS), list(SPLIT_COLORS.values()), list(SPLIT_COLORS)
        )
    labels = run.y_pred if by == "predicted" else run.y_true
    if by == "top":
        tops = np.where(labels < 0, -1, taxonomy.parents[labels])
        names = [c.name for c in taxonomy.top]
        return _coloring(tops, list(range(len(names))), [c.color for c in taxonomy.top], names)
    names = [c.name for c in taxonomy.second]
    return _coloring(labels, list(range(len(names))), [c.color for c in taxonomy.second], names)


def _steps(colors: list[str]) -> list[tuple[float, str]]:
    n = len(colors)
    return [(edge / n, color) for i, color in enumerate(colors) for edge in (i, i + 1)]


def hover_texts(run: Run, titles: pd.Series) -> list[str]:
    """Escaped title, true and predicted class of each sound."""
    names = [html.escape(c.name) for c in run.taxonomy.second]
    out = []
    for title, true, predicted in zip(titles.fillna("").astype(str), run.y_true, run.y_pred, strict=True):
        label = names[true] if true >= 0 else "no class"
        answer = "" if true == predicted else f"<br>predicted {names[predicted]}"
        out.append(f"<b>{html.escape(title[:60])}</b><br>{label}{answer}")
    return out


def map_figure(
    coordinates: np.ndarray,
    sound_ids: list[str],
    coloring: Coloring,
    *,
    axes: list[str],
    hover: list[str] | None = None,
    marked: np.ndarray | None = None,
    new: np.ndarray | None = None,
    height: int = 620,
) -> go.Figure:
    """Scatter plot of a latent space.

    Args:
        coordinates: (N, 2) or (N, 3).
        sound_ids: N ids, carried as ``customdata``.
        coloring: Category of each sound.
        axes: Axis titles, 2 or 3.
        hover: N hover texts, HTML-escaped; left out above :data:`HOVER_POINTS`.
        marked: Rows to bring out: the others are dimmed, and a few are ringed.
        new: (m, 2|3) places of new sounds, drawn as stars.
        height: In pixels.
    """
    xyz = np.asarray(coordinates, np.float32)
    colors = [entry.color for entry in coloring.legend]
    size = float(np.interp(len(xyz), [200, 2_000, 20_000], [9, 6.5, 4]))
    marker = {
        "color": coloring.index,
        "colorscale": _steps(colors),
        "cmin": -0.5,
        "cmax": len(colors) - 0.5,
        "size": size if xyz.shape[1] == 2 else max(size * 0.6, 2.5),
        "opacity": 0.85,
        "line": {"width": 0.4 if xyz.shape[1] == 2 else 0, "color": "rgba(20,23,28,.45)"},
    }
    texts = hover if hover is not None and len(xyz) <= HOVER_POINTS else None
    common = {
        "mode": "markers",
        "customdata": sound_ids,
        "marker": marker,
        "hovertext": texts,
        "hoverinfo": "text" if texts else "skip",
        "name": "sounds",
    }
    figure = go.Figure()
    if xyz.shape[1] == 3:
        figure.add_trace(go.Scatter3d(x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], **common))
    else:
        kind = go.Scatter if len(xyz) <= SVG_POINTS else go.Scattergl
        unselected = {"marker": {"opacity": 0.18}}
        figure.add_trace(kind(x=xyz[:, 0], y=xyz[:, 1], unselected=unselected, **common))
    if marked is not None and len(marked):
        if xyz.shape[1] == 2:
            figure.data[0].selectedpoints = [int(row) for row in marked]
        if len(marked) <= RINGED:
            ring = {"size": size + 7, "symbol": "circle-open", "color": MARK, "line": {"width": 2.5, "color": MARK}}
            _overlay(figure, xyz[marked], ring, "selected")
    if new is not None and len(new):
        star = {"size": 20, "symbol": "star", "color": MARK, "line": {"width": 1.5, "color": "white"}}
        _overlay(figure, new, {**star, "symbol": "diamond", "size": 9} if xyz.shape[1] == 3 else star, "new sound")
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, dragmode="pan" if xyz.shape[1] == 2 else "turntable",
        clickmode="event+select", hovermode="closest", uirevision="map",
    )  # fmt: skip
    if xyz.shape[1] == 2:
        figure.update_xaxes(title=axes[0], **EMPTY_AXIS)
        figure.update_yaxes(title=axes[1], **EMPTY_AXIS)
    else:
        named = {f"{a}axis": {"title": t, "showticklabels": False} for a, t in zip("xyz", axes, strict=True)}
        figure.update_layout(scene=named)
    return figure


def _overlay(figure: go.Figure, places: np.ndarray, marker: dict, name: str) -> None:
    places = np.asarray(places, np.float32)
    common = {"mode": "markers", "marker": marker, "hoverinfo": "skip", "name": name}
    if places.shape[1] == 3:
        figure.add_trace(go.Scatter3d(x=places[:, 0], y=places[:, 1], z=places[:, 2], **common))
    else:
        figure.add_trace(go.Scatter(x=places[:, 0], y=places[:, 1], **common))


def axis_titles(run: Run, method: str, dimensions: int) -> list[str]:
    """Titles of a map's axes; PCA's say how much of the variance each holds."""
    if method == "pca":
        return [f"PC {i + 1} ({100 * run.pca.explained[i]:.0f} % of variance)" for i in range(dimensions)]
    return [f"UMAP {i + 1}" for i in range(dimensions)]


def spectrogram_figure(spectrogram: Spectrogram, *, height: int = 210) -> go.Figure:
    """Log-mel spectrogram with seconds and hertz on its axes."""
    ticks = np.array([200, 1_000, 3_000, 10_000])
    frequency = spectrogram.frequency
    ticks = ticks[(ticks >= frequency[0]) & (ticks <= frequency[-1])]
    rows = np.interp(ticks, frequency, np.arange(len(frequency)))
    levels = np.round(spectrogram.db).clip(-80, 0).astype(np.int8)  # a byte a cell on the wire
    figure = go.Figure(
        go.Heatmap(z=levels, x=spectrogram.time, colorscale=HEAT, showscale=False, hoverinfo="skip", zmin=-80, zmax=0)
    )
    names = [f"{t // 1000} kHz" if t >= 1000 else f"{t} Hz" for t in ticks]
    figure.update_layout(height=height, margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(title="seconds", showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=rows, ticktext=names, showgrid=False, zeroline=False)
    return figure


def confusion_figure(
    matrix: np.ndarray, codes: list[str], names: list[str], groups: np.ndarray, *, normalised: bool, height: int = 760
) -> go.Figure:
    """Confusion matrix: rows true, columns predicted, lines between top-level blocks; cells can be clicked.

    Args:
        matrix: (C, C) counts.
        codes: C class codes, the axis labels of matrices larger than :data:`NAMED`.
        names: C class names, for hovering and the axes of small matrices.
        groups: (C,) block of each class.
        normalised: Colour and print row percentages instead of counts.
        height: In pixels.
    """
    n, support = len(codes), matrix.sum(axis=1)
    share = np.divide(matrix, support[:, None], out=np.zeros(matrix.shape), where=support[:, None] > 0)
    shown = 100 * share if normalised else matrix
    text = [[f"{v:.0f}" if v >= 0.5 else "" for v in row] for row in shown]
    labels = codes if n > NAMED else [html.escape(name) for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=100 * share, text=text, texttemplate="%{text}", textfont={"size": 11 if n > 10 else 15}, colorscale="Blues",
            zmin=0, zmax=100, hoverinfo="skip", xgap=1, ygap=1, showscale=False,
        )
    )  # fmt: skip
    true, predicted = (axis.ravel() for axis in np.indices(matrix.shape))
    hover = [
        f"{html.escape(names[t])} → {html.escape(names[p])}<br>{matrix[t, p]:,} of {support[t]:,} ({100 * share[t, p]:.1f} %)"
        for t, p in zip(true, predicted, strict=True)
    ]
    cell = max((height - 120) / n * 0.8, 6)
    figure.add_trace(  # a heatmap returns nothing on a click: near-invisible markers over its cells do
        go.Scatter(
            x=predicted, y=true, mode="markers", customdata=[f"{codes[t]}|{codes[p]}" for t, p in zip(true, predicted, strict=True)],
            marker={"size": cell, "symbol": "square", "opacity": 0.01, "color": "#888"}, hovertext=hover, hoverinfo="text",
            unselected={"marker": {"opacity": 0.01}}, selected={"marker": {"opacity": 0.25}}, showlegend=False,
        )
    )  # fmt: skip
    for edge in np.flatnonzero(np.diff(groups)) + 0.5:
        line = {"color": "#8a94a6", "width": 3}
        figure.add_shape(type="line", x0=edge, x1=edge, y0=-0.5, y1=n - 0.5, line=line)
        figure.add_shape(type="line", x0=-0.5, x1=n - 0.5, y0=edge, y1=edge, line=line)
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, clickmode="event+select", dragmode=False
    )
    figure.update_xaxes(
        title="predicted",
        tickvals=list(range(n)),
        ticktext=labels,
        range=[-0.5, n - 0.5],
        showgrid=False,
        zeroline=False,
    )
    ticks = [f"{code}  ({count:,})" for code, count in zip(labels, support, strict=True)]
    figure.update_yaxes(
        title="true (sounds)",
        tickvals=list(range(n)),
        ticktext=ticks,
        range=[n - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )
    return figure


def probability_figure(
    taxonomy: Taxonomy, codes: list[str], values: list[float], *, height: int | None = None
) -> go.Figure:
    """Horizontal bars of class probabilities, first on top, in the classes' colours."""
    names = [taxonomy[c].name for c in codes]
    figure = go.Figure(
        go.Bar(
            x=[100 * v for v in values], y=list(range(len(codes))), orientation="h", marker_color=[taxonomy[c].color for c in codes],
            text=[f"{100 * v:.1f} %" for v in values], textposition="outside", cliponaxis=False, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.update_layout(height=height or 34 * len(codes) + 20, margin={"l": 4, "r": 56, "t": 4, "b": 4}, bargap=0.25)
    figure.update_xaxes(range=[0, 100], visible=False)
    figure.update_yaxes(
        tickvals=list(range(len(codes))),
        ticktext=names,
        range=[len(codes) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
    )
    return figure


def timeline_figure(
    taxonomy: Taxonomy, edges: np.ndarray, probabilities: np.ndarray, *, height: int = 190
) -> go.Figure:
    """Probabilities of the top-level classes along a sound, stacked, with the best second-level class of each stretch to hover.

    Args:
        taxonomy: The classes.
        edges: (n + 1,) in seconds.
        probabilities: (n, C) of the stretches between them.
        height: In pixels.
    """
    mass = taxonomy.top_mass(probabilities)
    unit, name = (60.0, "minutes") if edges[-1] >= 180 else (1.0, "seconds")
    best = [taxonomy[taxonomy.codes[i]] for i in probabilities.argmax(axis=1)]
    hover = [
        f"{a:.0f}–{b:.0f} s<br><b>{html.escape(c.name)}</b> {100 * p:.0f} %"
        for a, b, c, p in zip(edges[:-1], edges[1:], best, probabilities.max(axis=1), strict=True)
    ]
    figure = go.Figure(
        [go.Bar(
            x=(edges[:-1] + edges[1:]) / 2 / unit, y=100 * mass[:, i], width=np.diff(edges) / unit, marker={"color": top.color, "line": {"width": 0}},
            name=top.name, hovertext=hover, hoverinfo="text",
        )
        for i, top in enumerate(taxonomy.top)]
    )  # fmt: skip
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
