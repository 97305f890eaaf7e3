"""One run's map as the pages show it."""

from __future__ import annotations

import numpy as np

from bstviz.plots.facets import Column, mistaken, mistakes_in_words
from bstviz.ui import cache
from bstviz.ui.cache import Loaded
from bstviz.ui.components.map import Events, Marks, Pane, Sounds, linked_map
from bstviz.ui.components.projection_picker import ChosenMap, chosen


def sounds_of(loaded: Loaded) -> Sounds:
    """A run's sounds, as a map takes them."""
    names = [c.name for c in loaded.run.taxonomy.second]
    return Sounds(loaded.identity, loaded.run.y_true, names, loaded.titles)


def run_map(
    loaded: Loaded,
    shown: ChosenMap,
    column: Column,
    *,
    key: str,
    marks: Marks,
    events: Events,
    hide: bool = False,
    training: bool = False,
    height: int,
) -> None:
    """A run's map, to be clicked and selected on; rings are wrong predictions, with ``training`` those of sounds that
    the model was trained on too.
    """
    run = loaded.run
    pane = Pane("", shown.axes, shown.points, run.y_pred, column, mistaken(run, training=training))
    linked_map(
        [pane],
        sounds_of(loaded),
        key=key,
        map_key=f"{loaded.identity}|{shown.map_key}",
        marks=marks,
        events=events,
        rings=f"predicted wrong, {mistakes_in_words(run, training=training)}",
        hide=hide,
        height=height,
    )


def sound_map(
    loaded: Loaded, method: str, dimensions: int, by: str, *, key: str, new: np.ndarray | None = None, height: int = 600
) -> None:
    """A run's map to look at, with the coordinates (m, 2|3) of new sounds as stars."""
    column = cache.columns(loaded)[by]
    shown = chosen(loaded, method, dimensions)
    run_map(loaded, shown, column, key=key, marks=Marks(new=new), events=Events(), height=height)
