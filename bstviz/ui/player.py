"""A sound to hear and to see: audio, waveform, spectrogram."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st

from bstviz import figures
from bstviz.audio import Spectrogram
from bstviz.errors import UserError
from bstviz.ui import loaders
from bstviz.ui.loaders import Loaded
from bstviz.ui.web import address, component


def player(
    data: bytes,
    media_type: str,
    samples: np.ndarray,
    rate: int,
    spectrogram: Spectrogram,
    *,
    key: str,
    autoplay: bool = False,
) -> None:
    """Audio element, waveform and log-frequency spectrogram; a click into the picture plays from there.

    Args:
        data: What the browser plays.
        media_type: Its type.
        samples: (n,) float32 mono, for the waveform.
        rate: Their rate in Hz.
        spectrogram: Of the samples.
        key: Of the component.
        autoplay: Play at once.
    """
    levels, ticks = figures.log_frequency(spectrogram)
    component("player")(
        key=key,
        data={
            "url": address(data, media_type, key),
            "autoplay": autoplay,
            "seconds": len(samples) / rate,
            "waveform": base64.b64encode(figures.envelope(samples).tobytes()).decode(),
            "spectrogram": {
                "levels": base64.b64encode(levels.tobytes()).decode(),
                "rows": levels.shape[0],
                "columns": levels.shape[1],
                "ticks": [{"text": text, "at": at} for text, at in ticks],
            },
        },
    )


def sound_player(loaded: Loaded, row: int, *, key: str, autoplay: bool = False) -> None:
    """Player of a run's sound, or why there is none."""
    try:
        data, media_type = loaders.sound(loaded, row)
        samples, rate = loaders.samples(loaded, row)
        player(data, media_type, samples, rate, loaders.spectrogram(loaded, row), key=key, autoplay=autoplay)
    except UserError as error:
        st.info(str(error), icon=":material/volume_off:")
