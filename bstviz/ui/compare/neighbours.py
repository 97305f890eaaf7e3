"""One sound's neighbours in two models: kept, lost and gained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from bstviz.latent import alignment
from bstviz.ui.compare.pair import Pair, indices
from bstviz.ui.components.sound_list import sound_list
from bstviz.ui.components.terms import meanings

ORDER = ("kept", "lost", "gained")


def neighbours_of(both: Pair, position: int) -> dict[int, str]:
    """Neighbours of a shared sound in either run, by position: kept, lost or gained from left to right."""
    found = alignment.neighbour_overlap(*indices(both), position)
    return {int(row): kind for kind in ORDER for row in getattr(found, kind)}


def overlap_list(both: Pair, position: int, *, key: str, on_open: Callable[[int], None]) -> None:
    """A sound's neighbours left and right, each to be played.

    Args:
        both: The two runs.
        position: Of the sound among the shared ones.
        key: Of the list.
        on_open: Called with the position of a neighbour that is gone to.
    """
    found = neighbours_of(both, position)
    counts = {kind: list(found.values()).count(kind) for kind in ORDER}
    st.markdown(
        f"**Ten nearest, left against right:** {counts['kept']} kept, {counts['lost']} lost (left only), "
        f"{counts['gained']} gained (right only)",
        help=meanings("Neighbours", "Changed neighbourhood"),
    )
    positions = np.array(list(found), int)
    sound_list(
        [(both.left, int(both.a[p])) for p in positions],
        key=key,
        columns=("title", "overlap", "class"),
        notes=list(found.values()),
        on_open=lambda i: on_open(int(positions[i])),
        keys=True,
        height=420,
    )
