"""Views of the Explore page: what is shown, as an address would say it, and the way back over the last ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.ui.components import selection
from bstviz.ui.explore.address import VIEW_READERS, WITHOUT
from bstviz.ui.page import reported

HISTORY = "explore.history"
VIEWS_BACK = 50
"""Views that can be gone back over, at most, and"""
SELECTED_BACK = 2_000_000
"""sounds that these select together."""


@dataclass(frozen=True, eq=False)
class MapView:
    """What is shown.

    Attributes:
        parameters: As in an address.
        selection: The selection as the session keeps it, however long; None where the parameters have it.
    """

    parameters: Mapping[str, str]
    selection: tuple[pd.Index, str, np.ndarray] | None = None

    def __len__(self) -> int:
        return 0 if self.selection is None else len(self.selection[0])

    def same(self, other: MapView) -> bool:
        """Whether another view shows the same."""
        if self.selection is None or other.selection is None:
            return self.parameters == other.parameters
        mine, others = self.selection[0], other.selection[0]
        return self.parameters == other.parameters and (mine is others or mine.equals(others))


@dataclass(eq=False)
class History:
    """Views in the order in which they were shown, and which of them is shown now."""

    views: list[MapView] = field(default_factory=list)
    at: int = -1

    def record(self, view: MapView) -> None:
        """A view is shown; one that is new ends the way forward."""
        if self.views and view.same(self.views[self.at]):
            return
        self.views = [*self.views[: self.at + 1], view][-VIEWS_BACK:]
        while len(self.views) > 2 and sum(map(len, self.views)) > SELECTED_BACK:
            del self.views[0]
        self.at = len(self.views) - 1

    def reaches(self, by: int) -> bool:
        """Whether there is a view so many back (negative) or forward."""
        return 0 <= self.at + by < len(self.views)


def history() -> History:
    """This session's."""
    found: History = st.session_state.setdefault(HISTORY, History())
    return found


def seen(parameters: Mapping[str, str]) -> MapView:
    """What is shown now, from its parameters."""
    return MapView(dict(parameters), st.session_state.get(selection.ON_MAP, selection.NOTHING))


def show(view: MapView) -> None:
    """Show a view; what of it is not there any more is left as it is."""
    for name, (key, parse) in VIEW_READERS.items():
        if (text := view.parameters.get(name)) is None:
            if name in WITHOUT:
                st.session_state[key] = WITHOUT[name]()
            continue
        try:
            st.session_state[key] = parse(text)
        except (ValueError, KeyError):
            continue
    if view.selection is not None:
        st.session_state[selection.ON_MAP] = view.selection


def undo_buttons() -> None:
    """Buttons back and forward over views: selection, filters, colours, search, run and projection."""
    back, forward = history().reaches(-1), history().reaches(1)
    for by, label, icon, shortcut, there in (
        (-1, "Undo", ":material/undo:", "Alt+Z", back),
        (1, "Redo", ":material/redo:", "Alt+Shift+Z", forward),
    ):
        st.button(
            label,
            key=f"explore.{label.lower()}",
            icon=icon,
            shortcut=shortcut,
            disabled=not there,
            on_click=reported(_go),
            args=(by,),
            help="Over selection, filters, colours, search, run and projection",
        )


def _go(by: int) -> None:
    own = history()
    if own.reaches(by):
        own.at += by
        show(own.views[own.at])
