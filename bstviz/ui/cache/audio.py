"""Sounds of the loaded runs, to play and to see, kept between reruns."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import streamlit as st

from bstviz.audio import decode, playback
from bstviz.audio.playback import Playable
from bstviz.audio.spectrogram import spectrogram
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.cache.loading import identity_of_collection
from bstviz.ui.kept import kept


@st.cache_resource
def warm() -> None:
    """Import what pictures of sounds need, aside, so that the first click does not wait for it."""
    threading.Thread(target=spectrogram, args=(np.zeros(4_096, np.float32), 44_100), daemon=True).start()


def playable(loaded: Loaded, row: int) -> Playable:
    """A run's sound as a browser gets it.

    Raises:
        UserError: There is no audio for it, it cannot be read, or the collection is another on disk by now.
    """
    collection = loaded.collection
    if collection is None:
        raise UserError(loaded.problem or "The collection of this run was not found.")
    loading.check_unchanged(collection)
    own = int(loaded.rows[row])
    if not collection.has_audio(own):
        raise UserError(f"Collection {collection.name!r} holds no audio for this sound.")
    return _playable(collection, str(loaded.ids[row]))


@kept(max_entries=8, hash_funcs={Collection: identity_of_collection})
def _playable(collection: Collection, sound_id: str) -> Playable:
    row = collection.row_of[sound_id]
    file = collection.path(row)
    if file is None:
        return playback.playable(None, partial(collection.load_audio, row))
    try:
        data = file.read_bytes()
    except OSError:
        data = b""
    decoded = partial(decode.load, data or file, name=str(file))  # the bytes that are played, not what lies there later
    found = playback.playable(data or None, decoded)
    loading.check_unchanged(collection)  # or else what was read may be another sound's
    return found
