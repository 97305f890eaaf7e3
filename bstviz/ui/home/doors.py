"""Where to go from the Overview: three doors, and a prepared view of every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from bstviz.plots.facets import most_confident_mistake
from bstviz.ui.cache import loading, projections
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.classify.examples import EXAMPLE, EXAMPLE_SOUNDS
from bstviz.ui.compare import pair
from bstviz.ui.components.prepared import PreparedView
from bstviz.ui.confusion.matrix import MOST_CONFUSED
from bstviz.ui.confusion.sides import families


@dataclass(frozen=True)
class Door:
    """What somebody may want to do first.

    Attributes:
        title: What they do.
        words: What they see, a sentence.
        page: The page of :func:`prepared_views` that shows it.
        label: Of the link.
        icon: Of the link.
    """

    title: str
    words: str
    page: str
    label: str
    icon: str


DOORS = (
    Door(
        "See what hierarchical training changed",
        "Two models, the same sounds, one trained on both levels of the taxonomy: their maps side by side.",
        "compare",
        "Compare the two",
        ":material/compare:",
    ),
    Door(
        "Find mistakes by ear",
        "The two classes that the hierarchical model confuses most, and the sounds, each to be played.",
        "confusion",
        "Play its mistakes",
        ":material/play_circle:",
    ),
    Door(
        "Classify my sound",
        "Drop a recording, or try one of six examples: its class at both levels, how sure, and what is like it.",
        "classify",
        "Classify a sound",
        ":material/graphic_eq:",
    ),
)


def doors(views: Mapping[str, PreparedView]) -> None:
    """The doors side by side."""
    for column, door in zip(st.columns(len(DOORS)), DOORS, strict=True):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.markdown(f"**{door.title}**  \n{door.words}")
            views[door.page].link(door.label, icon=door.icon)


def prepared_views(run: Loaded | None, counterpart: Loaded | None = None) -> dict[str, PreparedView]:
    """What each page shows that is worth looking at first, by its name.

    Args:
        run: The run that stands for an experiment; without one the pages choose for themselves.
        counterpart: The run that differs from it in the loss alone, if there is one.
    """
    views = {
        "explore": PreparedView("explore"),
        "compare": PreparedView("compare"),
        "results": PreparedView("results", {"section": "Table 1"}),
        "confusion": PreparedView("confusion", {"cell": MOST_CONFUSED}),
        "review": PreparedView("review", {"predictions": "against"}),
        "classify": PreparedView("classify", {EXAMPLE: next(iter(EXAMPLE_SOUNDS))}),
    }
    if run is None:
        return views
    name = loading.run_name(run)
    flat = {"map": _method(run, counterpart), "dimensions": "2"}
    mistake = _mistake(run, counterpart)
    sound = {} if mistake is None else {"sound": mistake}
    if run.run.latent_dim:
        views["explore"] = PreparedView("explore", {"run": name, **flat, "color": "correct", **sound})
    if counterpart is not None:
        sides = {"left": name, "right": loading.run_name(counterpart)}
        views["compare"] = PreparedView("compare", {**sides, **flat, "color": "top", **sound})
    if run.run.metrics:
        views["confusion"] = PreparedView("confusion", {"model": _family(run), "cell": MOST_CONFUSED})
    return views


def _family(run: Loaded) -> str:
    """Name of a run's family on the page Confusion."""
    path = run.run.folder
    known = families(list(loading.infos().values()))
    return next(
        (name for name, family in known.items() if any(i.folder == path for own in family.values() for i in own)), ""
    )


def _method(run: Loaded, counterpart: Loaded | None) -> str:
    """UMAP where all have such a map at hand, else PCA."""
    runs = [run] if counterpart is None else [run, counterpart]
    there = all(projections.has_map(own, "umap", 2, projections.umap_settings(own)) for own in runs)
    return "umap" if there else "pca"


def _mistake(run: Loaded, counterpart: Loaded | None) -> str | None:
    """A mistake of a run, by its id; with a counterpart, one that this does not share, if there is any."""
    if counterpart is None:
        row = most_confident_mistake(run.run)
    else:
        both = pair.pair(run, counterpart)
        position = pair.mistake_of_the_left(both)
        row = None if position is None else int(both.a[position])
    return None if row is None else str(run.ids[row])
