"""One run's map as the pages show it."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from bstviz.plots.facets import Column, mistaken, mistakes_in_words
from bstviz.plots.maps import hover_texts
from bstviz.plots.panes.pane import Look, Marks, Pane
from bstviz.ui.cache import facets
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.plotly_map import Events, Origin, Sounds, linked_map
from bstviz.ui.components.projection_picker import ChosenMap, chosen
from bstviz.ui.components.terms import meaning


def pick_look(*, key: str, height: int) -> Look:
    """Switches of what is written and drawn over a map."""
    names = st.toggle(
        "Class names", value=True, key=f"{key}.names", persist_state="session", help=meaning("Class names")
    )
    contours = st.toggle(
        "Contours",
        key=f"{key}.contours",
        persist_state="session",
        help="Lines around the densest half and four fifths of each top-level class, on flat maps",
    )
    return Look(names=bool(names), contours=bool(contours), below=True, height=height)


def run_map(
    loaded: Loaded,
    shown: ChosenMap,
    column: Column,
    *,
    key: str,
    marks: Marks,
    events: Events,
    look: Look,
    hide: bool = False,
    training: bool = False,
    origin: Origin | None = None,
) -> None:
    """A run's map, to be clicked and selected on; rings are wrong predictions, with ``training`` those of sounds that
    the model was trained on too. Its points come from where they were on another map, if an ``origin`` says so.
    """
    run = loaded.run
    pane = Pane(
        shown.axes,
        shown.points,
        column,
        wrong=mistaken(run, training=training),
        judged=mistakes_in_words(run, training=training),
        texts=partial(hover_texts, run, loaded.titles),
    )
    linked_map(
        [pane],
        Sounds(loaded.identity, run.y_true, facets.columns(loaded)["top"]),
        key=key,
        map_key=f"{loaded.identity}|{shown.map_key}",
        marks=marks,
        events=events,
        look=look,
        hide=hide,
        origin=origin,
    )


def sound_map(
    loaded: Loaded, method: str, dimensions: int, by: str, *, key: str, new: np.ndarray | None = None, height: int = 600
) -> None:
    """A run's map to look at, with the coordinates (m, 2|3) of new sounds as stars."""
    column, shown = facets.columns(loaded)[by], chosen(loaded, method, dimensions)
    look = Look(names=True, below=True, height=height)
    run_map(loaded, shown, column, key=key, marks=Marks(new=new), events=Events(), look=look)
