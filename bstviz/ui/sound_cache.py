"""Sounds of the loaded runs, to play and to see: playable bytes, samples and spectrograms, kept between reruns."""

from __future__ import annotations

import threading

import numpy as np
import streamlit as st

from bstviz.audio.playback import BROWSER_TYPES, to_wav
from bstviz.audio.spectrogram import Spectrogram, spectrogram
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.ui.cache import Loaded, identity_of_collection


@st.cache_resource
def warm() -> None:
    """Import what pictures of sounds need, aside, so that the first click does not wait for it."""
    threading.Thread(target=spectrogram, args=(np.zeros(4_096, np.float32), 44_100), daemon=True).start()


def playable(loaded: Loaded, row: int) -> tuple[bytes, str]:
    """Playable bytes of a run's sound and their media type: the file itself where browsers play it, else a WAV.

    Raises:
        UserError: There is no audio for it, or it cannot be read.
    """
    collection, own = _audible(loaded, row)
    file = collection.path(own)
    if file is not None and file.is_file() and file.suffix.lower() in BROWSER_TYPES:
        return file.read_bytes(), BROWSER_TYPES[file.suffix.lower()]
    return _wav(collection, own), "audio/wav"


def samples_of(loaded: Loaded, row: int) -> tuple[np.ndarray, int]:
    """Samples (n,) of a run's sound and their rate in Hz; raises UserError as :func:`playable` does."""
    return _samples(*_audible(loaded, row))


def spectrogram_of(loaded: Loaded, row: int) -> Spectrogram:
    """Spectrogram of a run's sound; raises UserError as :func:`playable` does."""
    return _spectrogram(*_audible(loaded, row))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Collection: identity_of_collection})
def _samples(collection: Collection, row: int) -> tuple[np.ndarray, int]:
    return collection.load_audio(row)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Collection: identity_of_collection})
def _spectrogram(collection: Collection, row: int) -> Spectrogram:
    return spectrogram(*_samples(collection, row))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Collection: identity_of_collection})
def _wav(collection: Collection, row: int) -> bytes:
    return to_wav(*_samples(collection, row))


def _audible(loaded: Loaded, row: int) -> tuple[Collection, int]:
    """The collection and the sound's row in it; UserError where there is no audio."""
    collection = loaded.collection
    if collection is None:
        raise UserError(loaded.problem or "The collection of this run was not found.")
    own = int(loaded.rows[row])
    if not collection.has_audio(own):
        raise UserError(f"Collection {collection.name!r} holds no audio for this sound.")
    return collection, own
