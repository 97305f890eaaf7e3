"""A sound to play and to see: audio, waveform, spectrogram."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st

from bstviz.audio.spectrogram import Spectrogram, envelope, log_frequency
from bstviz.errors import UserError
from bstviz.ui import sound_cache
from bstviz.ui.cache import Loaded
from bstviz.ui.components.freesound import freesound_player
from bstviz.ui.web import address, component


def player(data: bytes, media_type: str, *, name: str, key: str, autoplay: bool = False) -> None:
    """The browser's audio player, which the space bar starts and stops.

    Args:
        data: What the browser plays.
        media_type: Its type.
        name: Tells this sound from others, of the same content too.
        key: Of the component.
        autoplay: Play at once.
    """
    url = address(data, media_type, key)
    sent = {"key": key, "name": name, "url": url, "bytes": len(data), "autoplay": autoplay}
    component("player")(key=key, data=sent)


def sound_picture(samples: np.ndarray, rate: int, spectrogram: Spectrogram, *, player_key: str) -> None:
    """Waveform and log-frequency spectrogram with axes, on which a player's playhead runs; a click plays from there.

    Args:
        samples: (n,) float32 mono.
        rate: Their rate in Hz.
        spectrogram: Of the samples.
        player_key: Key of the player that plays them.
    """
    levels, ticks = log_frequency(spectrogram)
    component("picture")(
        key=f"{player_key}.picture",
        data={
            "player": player_key,
            "seconds": len(samples) / rate,
            "waveform": base64.b64encode(envelope(samples).tobytes()).decode(),
            "spectrogram": {
                "levels": base64.b64encode(levels.tobytes()).decode(),
                "rows": levels.shape[0],
                "columns": levels.shape[1],
                "ticks": [{"text": text, "at": at} for text, at in ticks],
            },
        },
    )


def sound_player(loaded: Loaded, row: int, *, key: str, autoplay: bool = False) -> None:
    """Player and picture of a run's sound, or why there is none; the picture comes second: the sound need not wait."""
    try:
        data, media_type = sound_cache.playable(loaded, row)
        player(data, media_type, name=str(loaded.ids[row]), key=key, autoplay=autoplay)
        samples, rate = sound_cache.samples_of(loaded, row)
        sound_picture(samples, rate, sound_cache.spectrogram_of(loaded, row), player_key=key)
    except UserError as error:
        if not freesound_player(loaded, row):
            st.info(str(error), icon=":material/volume_off:")
