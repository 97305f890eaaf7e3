"""Maps of one run's latents, or of two side by side, as Plotly figures: for a notebook, a report, a page of one's own.

What a figure holds and in which order: :mod:`bstviz.plots.panes`, which the app's own maps come from too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bstviz.errors import UserError
from bstviz.latent import alignment
from bstviz.latent.projection import columns_of
from bstviz.models.run import Run
from bstviz.plots.facets import Column, Columns, mistaken, mistakes_in_words
from bstviz.plots.panes.figure import map_figure
from bstviz.plots.panes.pane import Look, Pane
from bstviz.plots.style import literal

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

Projection = Literal["pca", "umap"]
HOVER_SOUNDS = 20_000
"""Sounds of a map up to which each has a hover text: beyond, the texts would outweigh the map."""
TITLE_LENGTH = 80


def latent_map(
    run: Run,
    *,
    projection: Projection = "umap",
    dimensions: Literal[2, 3] = 2,
    color: str = "top",
    collection: Collection | None = None,
    mark_wrong: bool = False,
    names: bool = False,
    contours: bool = False,
    dark: bool = False,
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
            rings.
        names: Write class names at the medians of their sounds.
        contours: Draw lines around the densest half and four fifths of each top-level class; in 2 dimensions.
        dark: For a dark page.
        height: In pixels.

    Returns:
        Figure whose first trace holds the N sounds in the run's order; up to :data:`HOVER_SOUNDS` of them with hover.

    Raises:
        UserError: The run has no such projection or facet, or the collection is not the run's.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> run = bstviz.load_run(assets() / "runs" / "hierarchical-audio-c1-fold0")
        >>> figure = bstviz.latent_map(run, projection="pca", color="second")
        >>> figure.layout.xaxis.title.text, len(figure.data[0].x)
        ('PC 1 (35 % of variance)', 1104)
        >>> page = figure.to_html()  # or figure.show(), figure.write_html("map.html")
    """
    points = _stored_coordinates(run, projection, dimensions)
    table = _sounds_table(run, collection)
    facets = Columns(run, table)
    pane = Pane(
        axis_titles(run, projection, dimensions),
        points,
        _facet(facets, color, known=collection is not None),
        wrong=mistaken(run) if mark_wrong else None,
        judged=mistakes_in_words(run),
        texts=_texts(run, table),
    )
    hover = len(points) <= HOVER_SOUNDS
    look = Look(groups=facets["top"], names=names, contours=contours, hover=hover, dark=dark, height=height)
    return map_figure([pane], look)


def pair_map(
    left: Run,
    right: Run,
    *,
    projection: Projection = "umap",
    dimensions: Literal[2, 3] = 2,
    color: str = "top",
    collection: Collection | None = None,
    mark_wrong: bool = False,
    names: bool = False,
    contours: bool = False,
    dark: bool = False,
    height: int = 640,
) -> go.Figure:
    """Maps of two runs on the sounds that they share, side by side and zoomed together, the right one aligned to the
    left one (Procrustes: moved, rotated, mirrored and scaled); titles say each run's silhouette by top-level class.

    Args:
        left: The one run.
        right: The other, of the same taxonomy.
        projection: As for :func:`latent_map`, of both.
        dimensions: 2 or 3.
        color: Facet; each side is coloured by its own, in the same colours.
        collection: The collection that both belong to.
        mark_wrong: Draw each side's wrong predictions as rings.
        names: Write class names at the medians of their sounds.
        contours: Draw lines around where each top-level class lies densely.
        dark: For a dark page.
        height: In pixels.

    Returns:
        Figure whose first two traces hold the M shared sounds in the left run's order.

    Raises:
        UserError: As for :func:`latent_map`; or the runs share fewer than 3 sounds, or have different classes.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> names = [f"{loss}-audio-c1-fold0" for loss in ("hierarchical", "flat")]
        >>> runs = [bstviz.load_run(assets() / "runs" / name) for name in names]
        >>> figure = bstviz.pair_map(*runs, projection="pca", contours=True)
        >>> [len(trace.x) for trace in figure.data[:2]], figure.layout.xaxis2.matches
        ([1104, 1104], 'x')
    """
    rows = shared_rows(left, right)
    sides, columns, tops, texts = (left, right), [], [], []
    for run in sides:
        table = _sounds_table(run, collection)
        facets = Columns(run, table)
        columns.append(_facet(facets, color, known=collection is not None))
        tops.append(facets["top"])
        texts.append(_texts(run, table))
    fixed, moving = (_stored_coordinates(r, projection, dimensions)[own] for r, own in zip(sides, rows, strict=True))
    points = fixed, alignment.align(moving, fixed).points
    axes = axis_titles(left, projection, dimensions), ALIGNED[:dimensions]
    panes = [
        Pane(
            axes[side],
            points[side],
            column,
            title=pane_title(("Left", "Right")[side], run, run.metrics.get("top_silhouette")),
            wrong=mistaken(run)[rows[side]] if mark_wrong else None,
            texts=_of_rows(texts[side], rows[side]),
        )
        for side, (run, column) in enumerate(zip(sides, paired(columns, rows), strict=True))
    ]
    groups, _ = paired(tops, rows)
    hover = len(fixed) <= HOVER_SOUNDS
    look = Look(groups=groups, names=names, contours=contours, hover=hover, dark=dark, height=height)
    return map_figure(panes, look)


ALIGNED = ("aligned to the left map", "", "")
"""Axis titles of the right map."""


def shared_rows(left: Run, right: Run) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the sounds that two runs share, in the left run's order, (M,) each.

    Raises:
        UserError: There are fewer than 3, or the runs are of different taxonomies.
    """
    if left.taxonomy.hash != right.taxonomy.hash:
        raise UserError("These two runs have different classes; choose two of the same taxonomy.")
    there = pd.Index(right.sounds["sound_id"]).get_indexer(left.sounds["sound_id"])
    own = np.flatnonzero(there >= 0)
    if len(own) < 3:
        shared = ("no sounds", "1 sound", "2 sounds")[len(own)]
        raise UserError(f"These two runs share {shared}; to be compared they have to share 3. Choose two others.")
    return own, there[own]


def paired(columns: Sequence[Column], rows: Sequence[np.ndarray]) -> tuple[Column, Column]:
    """Two runs' columns of one name on the sounds that they share, among the categories of both, in the same colours.

    Args:
        columns: The left run's and the right run's.
        rows: (M,) each, rows of the shared sounds in either.
    """
    first, second = columns
    everything = (*first.categories, *(c for c in second.categories if c.label not in first.labels))
    position = {category.label: place for place, category in enumerate(everything)}

    def part(column: Column, own: np.ndarray) -> Column:
        index = np.array([position[label] for label in column.labels], np.uint16)[column.index[own]]
        values = None if column.values is None else column.values[own]
        return replace(column, index=index, categories=everything, values=values)

    return part(first, rows[0]), part(second, rows[1])


def pane_title(side: str, run: Run, silhouette: float | None, more: str = "") -> str:
    """Title of one of two panes, escaped: the run, below it how well its top-level classes cohere, and more; each in a
    line of its own, as a pane on a phone is no wider.
    """
    cohere = "" if silhouette is None or np.isnan(silhouette) else f"top-level silhouette {silhouette:.3f}"
    return "<br>".join(filter(None, (f"<b>{literal(f'{side}: ' + run.model_name)}</b>", cohere, more)))


def _of_rows(texts: Callable[[np.ndarray], list[str]], own: np.ndarray) -> Callable[[np.ndarray], list[str]]:
    return lambda rows: texts(own[rows])


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


def _facet(facets: Columns, name: str, *, known: bool) -> Column:
    """A facet by its name; ``known`` where the table is the collection's."""
    if name not in facets:
        further = "" if known else "; with collection=... also the columns of its table"
        raise UserError(f"color is {name!r}; allowed are {', '.join(facets)}{further}.")
    return facets[name]


def _texts(run: Run, table: pd.DataFrame) -> Callable[[np.ndarray], list[str]]:
    """Gives hover texts of a run's rows; a sound without a title is called by its id."""
    ids = run.sounds["sound_id"].to_numpy(object)
    titles = [t if isinstance(t, str) and t else str(i) for t, i in zip(table["title"], ids, strict=True)]
    return partial(hover_texts, run, lambda rows: [titles[row] for row in rows])


def hover_texts(run: Run, titles: Callable[[np.ndarray], Sequence[str]], rows: np.ndarray) -> list[str]:
    """Title, true and predicted class with confidence of some of a run's sounds, escaped."""
    names = [literal(c.name) for c in run.taxonomy.second]
    texts = []
    for row, title in zip(rows, titles(rows), strict=True):
        true = names[run.y_true[row]] if run.y_true[row] >= 0 else "no class"
        predicted = f"predicted {names[run.y_pred[row]]}, {100 * run.confidence[row]:.0f} %"
        texts.append(f"<b>{literal(title[:TITLE_LENGTH])}</b><br>{true}<br>{predicted}")
    return texts


def axis_titles(run: Run, method: str, dimensions: int) -> list[str]:
    """Titles of a map's axes; PCA's say how much of the variance each holds."""
    if method == "pca":
        return [f"PC {i + 1} ({100 * run.pca.explained[i]:.0f} % of variance)" for i in range(dimensions)]
    return [f"UMAP {i + 1}" for i in range(dimensions)]
