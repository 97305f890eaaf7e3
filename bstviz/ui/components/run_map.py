"""One run's map as the pages show it."""

from __future__ import annotations

import numpy as np

from bstviz.plots.facets import Column
from bstviz.ui import cache
from bstviz.ui.cache import Loaded
from bstviz.ui.components.map import Events, Marks, Pane, Sounds, linked_map
from bstviz.ui.components.projection_picker import ChosenMap, chosen


def sounds_of(loaded: Loaded) -> Sounds:
    """A run's sounds, as a map takes them."""
    names = [c.name for c in loaded.run.taxonomy.second]
    return Sounds(loaded.identity, loaded.run.y_true, names, loaded.titles)


def run_map(
    loaded: Loaded, shown: ChosenMap, column: Column, *, key: str, marks: Marks, events: Events, hide: bool, height: int
) -> None:
    """A run's map, to be clicked and selected on."""
    pane = Pane("", shown.axes, shown.points, loaded.run.y_pred, column)
    map_key = f"{loaded.identity}|{shown.map_key}"
    linked_map(
        [pane], sounds_of(loaded), key=key, map_key=map_key, marks=marks, events=events, hide=hide, height=height
    )


def sound_map(
    loaded: Loaded, method: str, dimensions: int, by: str, *, key: str, new: np.ndarray | None = None, height: int = 600
) -> None:
    """A run's map to look at, with the coordinates (m, 2|3) of new sounds as stars."""
    column = cache.columns(loaded)[by]
    shown = chosen(loaded, method, dimensions)
    run_map(loaded, shown, column, key=key, marks=Marks(new=new), events=Events(), hide=False, height=height)
