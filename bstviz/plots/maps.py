"""Maps of a run's latents as Plotly figures, for a notebook, a report or a page.

Conventions: one trace holds all sounds, in the run's order, coloured by an index into the facet's colours; the legend
is one empty trace per category. Words of other people (titles, class names) are escaped: Plotly renders some HTML.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bstviz.errors import UserError
from bstviz.latent.projection import AXES, columns_of
from bstviz.models.run import Run
from bstviz.plots.facets import Column, Columns, mistaken, mistakes_in_words
from bstviz.plots.style import EMPTY_AXIS, LEGEND, MARGIN

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

Projection = Literal["pca", "umap"]
HOVER_SOUNDS = 20_000
"""Sounds of a map up to which each has a hover text: beyond, the texts would outweigh the map."""
TITLE_LENGTH = 80
WRONG_SYMBOLS = {2: "x", 3: "diamond"}
"""In 3-d symbols are letters of a font, and many fonts lack the cross."""
DENSE = 2_000
"""Sounds from which points are drawn smaller."""


def latent_map(
    run: Run,
    *,
    projection: Projection = "umap",
    dimensions: Literal[2, 3] = 2,
    color: str = "top",
    collection: Collection | None = None,
    mark_wrong: bool = False,
    height: int = 640,
) -> go.Figure:
    """Map of a run's latents, one point per sound.

    Args:
        run: The run; its stored projections are drawn.
        projection: ``pca``, which every run has, or ``umap``.
        dimensions: 2 or 3.
        color: Facet: ``top``, ``second`` (true classes), ``predicted``, ``correct``, ``split``,
            ``predicted_confidence`` (of the predicted class), and with ``collection`` annotation confidence and every
            other column of its table.
        collection: The collection that the run belongs to: titles to read on hover, and further facets.
        mark_wrong: Draw sounds that the model was not trained on and whose second-level class is predicted wrong as
            crosses, in 3 dimensions as diamonds.
        height: In pixels.

    Returns:
        Figure whose first trace holds the N sounds in the run's order; up to :data:`HOVER_SOUNDS` of them with hover.

    Raises:
        UserError: The run has no such projection or facet, or the collection is not the run's.

    Example:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> run = bstviz.load_run(assets() / "runs" / "hierarchical-audio-c1-fold0")
        >>> figure = bstviz.latent_map(run, projection="pca", color="second")
        >>> figure.layout.xaxis.title.text, len(figure.data[0].x)
        ('PC 1 (35 % of variance)', 1104)
        >>> page = figure.to_html()  # or figure.show(), figure.write_html("map.html")
    """
    coordinates = _stored_coordinates(run, projection, dimensions)
    table = _sounds_table(run, collection)
    column = _facet(run, table, color, known=collection is not None)
    wrong = mistaken(run) & mark_wrong
    size = (3 if dimensions == 3 else 6) if len(coordinates) < DENSE else (2 if dimensions == 3 else 4)
    marker: dict[str, Any] = {"size": size, "opacity": 0.85, **_indexed_colors(column)}
    if wrong.any():
        marker["symbol"] = np.where(wrong, WRONG_SYMBOLS[dimensions], "circle")
    figure = go.Figure(_points(coordinates, marker=marker, name="sounds", showlegend=False))
    if len(coordinates) <= HOVER_SOUNDS:
        figure.data[0].update(text=_hover_texts(run, table), hovertemplate="%{text}<extra></extra>")
    else:
        figure.data[0].hoverinfo = "skip"
    if column.edges is None:
        counts = column.counts()
        for category, count in zip(column.categories, counts, strict=True):
            figure.add_trace(_legend_entry(f"{category.label} ({count:,})", dimensions, color=category.color))
    if wrong.any():
        wrong_entry = {"color": "#6b7686", "symbol": WRONG_SYMBOLS[dimensions]}
        figure.add_trace(_legend_entry(f"wrong ({mistakes_in_words(run)})", dimensions, **wrong_entry))
    _lay_out(figure, axis_titles(run, projection, dimensions), height=height)
    if column.edges is None:
        figure.update_layout(legend_title=html.escape(column.label))
    else:
        figure.update_layout(legend=LEGEND)  # above the map: the colour bar is beside it
    return figure


def _stored_coordinates(run: Run, projection: str, dimensions: int) -> np.ndarray:
    """The run's map as it is stored, (N, dimensions) float32."""
    if projection not in get_args(Projection):
        raise UserError(f"projection is {projection!r}; allowed are {', '.join(get_args(Projection))}.")
    if dimensions not in (2, 3):
        raise UserError(f"dimensions is {dimensions!r}; allowed are 2 and 3.")
    names = columns_of(projection, dimensions)
    if not set(names) <= set(run.projections):
        raise UserError(
            f"Run {run.id} has no {projection.upper()} projection in {dimensions} dimensions stored. Make it with "
            "run.with_umap(), which takes a while for thousands of sounds, or draw projection='pca'."
        )
    return run.projections[names].to_numpy(np.float32)


def _sounds_table(run: Run, collection: Collection | None) -> pd.DataFrame:
    """What the collection knows of the run's sounds, N rows; without one nothing but their ids."""
    if collection is None:
        return pd.DataFrame({"sound_id": run.sounds["sound_id"], "title": None, "confidence": None})
    run.check_collection(collection)
    return collection.sounds.iloc[[collection.row_of[i] for i in run.sounds["sound_id"]]].reset_index(drop=True)


def _facet(run: Run, table: pd.DataFrame, name: str, *, known: bool) -> Column:
    """A facet by its name; ``known`` where the table is the collection's."""
    facets = Columns(run, table)
    if name not in facets:
        further = "" if known else "; with collection=... also the columns of its table"
        raise UserError(f"color is {name!r}; allowed are {', '.join(facets)}{further}.")
    return facets[name]


def _indexed_colors(column: Column) -> dict[str, Any]:
    """Marker settings that give each sound the colour of its category, or of its number with a colour bar."""
    index, colors = column.shades()
    if column.edges is not None and index.max() < len(colors) - 1:
        colors = colors[:-1]  # nothing has the colour of what is missing
    steps = np.linspace(0, 1, len(colors) + 1)
    scale = [[stop, c] for i, c in enumerate(colors) for stop in (steps[i], steps[i + 1])]
    marker = {"color": index, "colorscale": scale, "cmin": -0.5, "cmax": len(colors) - 0.5, "showscale": False}
    if column.edges is None:
        return marker
    places = np.linspace(0, len(colors) - 1, len(column.edges))
    bar = {"title": html.escape(column.label), "tickvals": places, "ticktext": list(column.edge_labels)}
    return marker | {"showscale": True, "colorbar": {**bar, "thickness": 14}}


def _points(coordinates: np.ndarray, **options: Any) -> go.Scattergl | go.Scatter3d:
    """Trace of markers at coordinates (n, 2|3)."""
    kind = go.Scatter3d if coordinates.shape[1] == 3 else go.Scattergl
    return kind(mode="markers", **dict(zip(AXES, coordinates.T, strict=False)), **options)


def _legend_entry(name: str, dimensions: int, **marker: Any) -> go.Scattergl | go.Scatter3d:
    """Trace without points that puts a name into the legend."""
    nowhere = np.full((1, dimensions), np.nan, np.float32)
    return _points(nowhere, name=html.escape(name), marker={"size": 9, **marker}, hoverinfo="skip")


def _hover_texts(run: Run, table: pd.DataFrame) -> list[str]:
    """Title, true and predicted class of each sound, escaped."""
    names = [html.escape(c.name) for c in run.taxonomy.second]
    texts = []
    for row, (sound_id, title) in enumerate(zip(run.sounds["sound_id"], table["title"], strict=True)):
        words = title if isinstance(title, str) and title else str(sound_id)
        true = names[run.y_true[row]] if run.y_true[row] >= 0 else "no class"
        predicted = f"predicted {names[run.y_pred[row]]}, {100 * run.confidence[row]:.0f} %"
        texts.append(f"<b>{html.escape(words[:TITLE_LENGTH])}</b><br>{true}<br>{predicted}")
    return texts


def _lay_out(figure: go.Figure, titles: Sequence[str], *, height: int) -> None:
    """Axis titles, one scale for all axes, and a legend to be read only: hiding its empty traces would hide nothing."""
    axes = {f"{axis}axis": {**EMPTY_AXIS, "title": title} for axis, title in zip(AXES, titles, strict=False)}
    if len(titles) == 3:
        figure.update_layout(scene={**axes, "aspectmode": "data"})
    else:
        axes["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
        figure.update_layout(axes)
    figure.update_layout(
        height=height,
        margin=MARGIN,
        hovermode="closest",
        legend={"itemclick": False, "itemdoubleclick": False, "itemsizing": "constant"},
    )


def axis_titles(run: Run, method: str, dimensions: int) -> list[str]:
    """Titles of a map's axes; PCA's say how much of the variance each holds."""
    if method == "pca":
        return [f"PC {i + 1} ({100 * run.pca.explained[i]:.0f} % of variance)" for i in range(dimensions)]
    return [f"UMAP {i + 1}" for i in range(dimensions)]
