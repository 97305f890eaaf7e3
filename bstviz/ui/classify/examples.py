"""Example sounds of the page Classify: six of the demo, made on the spot, which go the same way as an upload."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial

import streamlit as st

from bstviz.audio import playback
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.page import reported

EXAMPLE_SOUNDS = {
    "m-sp-042": "Drum loop",
    "is-w-041": "Clarinet note",
    "sp-s-024": "Voice",
    "fx-a-019": "Cow",
    "fx-o-022": "Vacuum cleaner",
    "ss-n-031": "Jungle after rain",
}
"""Ids of :mod:`bstviz.synth`, of five top-level classes, and what is written on their buttons. All are test sounds of
the bundled models; as files they are called by their ids, so that no words help.
"""
EXAMPLE = "example"
"""Of the address, and where the session keeps which one is shown."""


def parse_example(text: str) -> str:
    """An example from an address; ValueError where there is no such one."""
    if text not in EXAMPLE_SOUNDS:
        raise ValueError(f"{text!r} is no example; there are {', '.join(EXAMPLE_SOUNDS)}.")
    return text


def pick_example(*, key: str) -> list[Upload]:
    """Buttons of the examples; the one that was pressed last as an upload, or nothing."""

    def choose(name: str) -> None:
        st.session_state[f"{key}.{EXAMPLE}"] = name

    chosen = st.session_state.get(f"{key}.{EXAMPLE}")
    st.caption(
        "Or try one of these, synthesised for the demo. The bundled models were not trained on them; they are test "
        "sounds of it, so each finds itself as its nearest."
    )
    with st.container(horizontal=True, gap="small"):
        for name, words in EXAMPLE_SOUNDS.items():
            st.button(
                words,
                key=f"{key}.{EXAMPLE}.{name}",
                on_click=reported(partial(choose, name)),
                type="primary" if name == chosen else "secondary",
                icon=":material/graphic_eq:",
            )
    return [example_upload(chosen)] if chosen in EXAMPLE_SOUNDS else []


def forget_example(*, key: str) -> None:
    """No example is shown any more: a sound of one's own was given."""
    st.session_state.pop(f"{key}.{EXAMPLE}", None)


@lru_cache(len(EXAMPLE_SOUNDS))
def _wav(sound_id: str) -> bytes:
    from bstviz import synth

    return playback.to_wav(synth.render(sound_id), synth.SAMPLE_RATE)


def example_upload(sound_id: str) -> Upload:
    """An example as if it had been dropped: a WAV file."""
    return Upload(f"{sound_id}.wav", hashlib.sha256(_wav(sound_id)).hexdigest(), partial(_wav, sound_id))
