"""The player: a sound to play and to see."""

from __future__ import annotations

import json

import streamlit as st

from bstviz.audio.playback import WAV, Playable
from bstviz.errors import UserError
from bstviz.plots import sounds
from bstviz.ui.cache import audio
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.freesound import freesound_player
from bstviz.ui.components.text import told
from bstviz.ui.web import address, address_of_later, component


def player(sound: Playable, *, name: str, key: str, autoplay: bool = False, event_id: int = 0) -> None:
    """The browser's audio player over waveform and log-frequency spectrogram, on which the playhead runs.

    A click plays from there, a dragged stretch is repeated, the space bar plays and pauses. The picture is worked out
    when the browser asks for it: the sound need not wait.

    Args:
        sound: What is played.
        name: Tells this sound from others, of the same content too.
        key: Of the component.
        autoplay: Play at once, whenever name or event_id are new.
        event_id: Another number plays the same sound again.
    """
    url = address(sound.data, sound.media_type, f"{key}.sound")

    def picture() -> bytes:
        return json.dumps(sounds.picture(*sound.samples())).encode()

    component("player")(
        key=key,
        data={
            "key": key,
            "name": name,
            "url": url,
            "wav": address_of_later(sound.wav, WAV, f"{key}.wav", name=f"wav {url}"),
            "picture": address_of_later(picture, "application/json", f"{key}.picture", name=f"picture {url}"),
            "bytes": len(sound.data),
            "autoplay": autoplay,
            "event_id": event_id,
        },
    )


def sound_player(loaded: Loaded, row: int, *, key: str, autoplay: bool = False, event_id: int = 0) -> None:
    """Player of a run's sound, or why there is none; see :func:`player`."""
    try:
        sound = audio.playable(loaded, row)
    except UserError as error:
        if not freesound_player(loaded, row):
            st.info(told(error), icon=":material/volume_off:")
        return
    player(sound, name=str(loaded.ids[row]), key=key, autoplay=autoplay, event_id=event_id)
