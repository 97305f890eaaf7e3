"""Sounds that are not here but on Freesound, played by its embedded player."""

from __future__ import annotations

import streamlit as st

from bstviz.ui.cache.loaded import Loaded

HEIGHT = 110


def freesound_player(loaded: Loaded, row: int) -> bool:
    """Freesound's player of a run's sound, for browsers that are online; False where the sound is not Freesound's."""
    collection = loaded.collection
    address = collection.embedded_player(int(loaded.rows[row])) if collection is not None else None
    if address is None:
        return False
    st.iframe(address, height=HEIGHT)
    st.caption("Played by Freesound; this needs a connection to the internet.")
    return True
