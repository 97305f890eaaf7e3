"""Two runs side by side: their maps, one sound in both, their classes, their structure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from bstviz.plots import maps
from bstviz.plots.facets import judged, mistaken
from bstviz.plots.panes.pane import Look, Marks, Pane
from bstviz.ui.cache import loading, projections
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.compare import pair
from bstviz.ui.compare.neighbours import neighbours_of, overlap_list
from bstviz.ui.compare.pair import Pair
from bstviz.ui.compare.tables import class_table, structure_table
from bstviz.ui.components.pickers import one_of
from bstviz.ui.components.player import sound_player
from bstviz.ui.components.plotly_map import Events, linked_map
from bstviz.ui.components.projection_picker import chosen
from bstviz.ui.components.sound_card import classes
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import escape


def two_maps(
    both: Pair,
    method: str,
    dimensions: int,
    by: str,
    *,
    key: str,
    current: int | None,
    selected: np.ndarray,
    events: Events,
    look: Look,
    training: bool = False,
) -> None:
    """Both runs' maps in one frame, linked; rings are wrong predictions of each.

    Args:
        both: The two runs.
        method: pca or umap.
        dimensions: 2 or 3.
        by: Name of the column that colours them, or :data:`bstviz.ui.compare.pair.CHANGE`.
        key: Of the map.
        current: Position of the current sound among the shared ones.
        selected: Positions of the selected ones.
        events: What clicks and regions do; in positions.
        look: What is written and drawn over them.
        training: Sounds that a run was trained on count as right or wrong too.
    """
    fixed, moved = pair.aligned(both, method, dimensions)
    axes = chosen(both.left, method, dimensions).axes, maps.ALIGNED[:dimensions]
    sides = zip(
        ("Left", "Right"),
        (both.left, both.right),
        (both.a, both.b),
        axes,
        (fixed, moved.points),
        pair.colors(both, by, training=training),
        strict=True,
    )
    panes = []
    for side, loaded, rows, titles, points, column in sides:
        run = loaded.run
        silhouette = pair.structure(loaded)["top_silhouette"]
        wrong, counted = (of(run, training=training)[rows] for of in (mistaken, judged))
        counts = f"wrong: {wrong.sum():,} of {counted.sum():,} sounds"
        title = maps.pane_title(side, run, float(np.mean(silhouette)) if silhouette else None, counts)
        texts = partial(_texts, loaded, rows)
        panes.append(Pane(titles, points, column, title, wrong, texts=texts))
    near = {} if current is None else neighbours_of(both, current)
    marks = Marks(current, near, selected=selected)
    map_key = f"{both.identity}|{method}{dimensions}"
    linked_map(panes, both.sounds, key=key, map_key=map_key, marks=marks, events=events, look=look)
    st.caption(
        f"{len(both):,} shared sounds; wrong is counted among {'all' if training else 'those not trained on'}. "
        "The right map is aligned to the left one: moved, rotated, mirrored and scaled "
        f"(Procrustes disparity of the two maps: {moved.disparity:.3f}; 0: the same shape, 1: nothing in common). "
        "Both share zoom, selection and current sound." + (pair.measured(both) if by == pair.CHANGE else "")
    )


def _texts(loaded: Loaded, own: np.ndarray, rows: np.ndarray) -> list[str]:
    return maps.hover_texts(loaded.run, loaded.titles, own[rows])


def trust_in_both(both: Pair, method: str, dimensions: int) -> None:
    """How far to believe the two maps."""
    left, right = (
        projections.trustworthiness(loaded, method, dimensions, projections.umap_settings(loaded))
        for loaded in (both.left, both.right)
    )
    st.caption(
        f"Trustworthiness: left map {left:.3f}, right map {right:.3f} (1: all neighbours on a map are "
        "neighbours in the latent space).",
        help=meaning("Trustworthiness"),
    )


def sound_in_both(both: Pair, current: int, *, key: str, autoplay: bool, on_open: Callable[[int], None]) -> None:
    """One sound: player, both predictions, neighbours in both.

    Args:
        both: The two runs.
        current: Position of the sound among the shared ones.
        key: Of the panel.
        autoplay: Play it at once.
        on_open: Called with the position of a neighbour that is gone to.
    """
    row = int(both.a[current])
    st.markdown(f"#### {escape(both.left.title(row))}")
    classes([("left", both.left, row), ("right", both.right, int(both.b[current]))])
    sound_player(both.left, row, key=f"{key}.player", autoplay=autoplay)
    overlap_list(both, current, key=f"{key}.near", on_open=on_open)


def by_class(both: Pair, *, key: str, on_pick: Callable[[np.ndarray], None]) -> None:
    """The classes in both runs, at either level; ``on_pick`` is called with the positions of a chosen one's sounds."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Class by class")
        level = one_of(
            "Level",
            ["second", "top"],
            key=f"{key}.level",
            name=str.capitalize,
            help=meanings("Second level", "Top level"),
        )
    taxonomy = both.left.run.taxonomy
    table = pair.per_class(both, top=level == "top")
    if table.empty:
        st.info("No sound is out of fold in both runs; choose two runs of the same fold.")
        return
    of_class = taxonomy.parents if level == "top" else np.arange(len(taxonomy.second))

    def pick(label: int) -> None:
        truth = both.truth
        on_pick(np.flatnonzero((truth >= 0) & (of_class[truth] == label)))

    class_table(table, taxonomy.top if level == "top" else taxonomy.second, key=f"{key}.{level}", on_pick=pick)
    st.caption(
        f"On the {int(both.tested.sum()):,} sounds that are out of fold in both runs. "
        "Choose a row to select the class on both maps." + pair.measured(both)
    )


def structure(both: Pair, *, key: str) -> None:
    """Structure of both latent spaces over their folds, and how alike they are."""
    st.subheader("Structure of the latent spaces", help=meanings("Latent space", "Silhouette"))
    structure_table(pair.structure(both.left), pair.structure(both.right), key=key)
    folds = [len(loading.siblings(loaded)) for loaded in (both.left, both.right)]
    st.caption(
        "In all dimensions, cosine distance, on the test sounds of "
        f"{folds[0]} fold{'s' * (folds[0] > 1)} left and {folds[1]} right (mean ± standard deviation). "
        f"Between the two on shared sounds: on average {100 * np.nanmean(pair.change(both)):.0f} % of a neighbourhood "
        f"changed (one minus the Jaccard index of the ten nearest); Procrustes disparity {pair.disparity(both):.3f} "
        "(0: the same shape, 1: nothing in common)."
    )
