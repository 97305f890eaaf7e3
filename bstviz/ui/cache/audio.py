"""Sounds of the loaded runs, to play and to see, kept between reruns."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import streamlit as st

from bstviz.audio import playback
from bstviz.audio.playback import Playable
from bstviz.audio.spectrogram import spectrogram
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.cache.loading import identity_of_collection


@st.cache_resource
def warm() -> None:
    """Import what pictures of sounds need, aside, so that the first click does not wait for it."""
    threading.Thread(target=spectrogram, args=(np.zeros(4_096, np.float32), 44_100), daemon=True).start()


def playable(loaded: Loaded, row: int) -> Playable:
    """A run's sound as a browser gets it.

    Raises:
        UserError: There is no audio for it, or it cannot be read.
    """
    return _playable(*_audible(loaded, row))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Collection: identity_of_collection})
def _playable(collection: Collection, row: int) -> Playable:
    file = collection.path(row)
    try:
        data = file.read_bytes() if file is not None and file.is_file() else None
    except OSError:
        data = None  # decoding says why
    return playback.playable(data, partial(collection.load_audio, row))


def _audible(loaded: Loaded, row: int) -> tuple[Collection, int]:
    """The collection and the sound's row in it; UserError where there is no audio."""
    collection = loaded.collection
    if collection is None:
        raise UserError(loaded.problem or "The collection of this run was not found.")
    loading.check_unchanged(collection)
    own = int(loaded.rows[row])
    if not collection.has_audio(own):
        raise UserError(f"Collection {collection.name!r} holds no audio for this sound.")
    return collection, own
