"""Embeddings of dropped sounds and of words about them, made in a worker process: one at a time, visitors take turns.

What is made for a visitor is held by their session alone, and ends with it.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import streamlit as st

from bstviz.audio.sound import Sound
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.errors import AwayError
from bstviz.inference.classify import embed_sounds, embed_texts
from bstviz.jobs import background
from bstviz.jobs.background import Work
from bstviz.server.api.queued import EMBED
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.components.background import visitor

SHELF = "shelf"
"""Where the session keeps what is made for it."""
ENTRIES = 20_000
"""Pieces that have ended, and rows of tables that are shown no more, that are held for a session at most; those asked
for last.
"""
Key = tuple[str, str, str]


@dataclass(eq=False)
class Facts:
    """What is known of a sound once it has been decoded: its content, length in seconds, and what was anomalous."""

    content: str = ""
    seconds: float = float("nan")
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class Shelf:
    """What is made for one session.

    Attributes:
        visitor: Who asks.
        rows: Of the table of sounds, by the models, words and sound that each is of.
    """

    visitor: str
    rows: dict[Hashable, dict[str, object]] = field(default_factory=dict)
    _pieces: OrderedDict[Key, tuple[Work, Facts]] = field(default_factory=OrderedDict)

    def sound(self, encoder: EncoderInfo, upload: Upload, decoded: Callable[[], Sound]) -> tuple[Work, Facts]:
        """The embedding (1, d_a) of an upload, asked for if it was not, and what is known of the sound when it is done.

        Args:
            encoder: Which to embed by.
            upload: The sound.
            decoded: Gives the same decoded; called when its turn comes.
        """
        key = ("sound", str(encoder), upload.identity)
        if (found := self._held(key)) is None:
            facts = Facts()
            found = self._ask(key, embed_sounds, partial(_to_embed, encoder, decoded, facts)), facts
            self._pieces[key] = found
        return found

    def words(self, encoder: EncoderInfo, text: str) -> Work:
        """The embedding (1, d_t) of a text, asked for if it was not."""
        key = ("words", str(encoder), text)
        if (found := self._held(key)) is None:
            found = self._ask(key, embed_texts, lambda: (encoder, [text])), Facts()
            self._pieces[key] = found
        return found[0]

    def sounds(self, encoder: EncoderInfo, samples: Sequence[np.ndarray], rate: int) -> Embeddings:
        """Embeddings (n, d_a) of sounds (:func:`bstviz.inference.classify.embed_sounds`), waited for."""
        key = ("stretches", str(encoder), secrets.token_hex(8))
        found: Embeddings = self._ask(key, embed_sounds, lambda: (encoder, samples, rate)).result()
        return found

    def warm(self, encoder: EncoderInfo) -> None:
        """Have the process started and the encoder loaded."""
        silence = [np.zeros(4_000, np.float32)]
        queue = background.queue_of(EMBED)
        queue.warm(str(encoder), embed_sounds, lambda: (encoder, silence, 4_000), owner=self.visitor)

    def keep_only(self, uploads: Sequence[Upload]) -> None:
        """Give up what is not done of all other uploads, and let go of what is done and too much."""
        wanted = {upload.identity for upload in uploads}
        pending = [key for key, (work, _) in self._pieces.items() if not work.ended]
        given_up = [key for key in pending if key[0] == "sound" and key[-1] not in wanted]
        background.cancel([self._pieces.pop(key)[0] for key in given_up], self.visitor)
        ended = [key for key, (work, _) in self._pieces.items() if work.ended]
        for key in ended[: max(len(ended) - ENTRIES, 0)]:
            del self._pieces[key]

    def _held(self, key: Key) -> tuple[Work, Facts] | None:
        """A piece that was asked for, unless it failed for a reason that may have gone."""
        found = self._pieces.get(key)
        if found is None or isinstance(found[0].error, AwayError):
            return None
        self._pieces.move_to_end(key)
        return found

    def _ask(self, key: Key, function: background.Function, arguments: background.Arguments) -> Work:
        own = (self.visitor, *key)  # nothing of one visitor's is another's
        return background.queue_of(EMBED).submit(own, function, arguments, owner=self.visitor, keep=False)


def shelf() -> Shelf:
    """This session's. It is of its state, as Streamlit empties a session's caches when a connection breaks."""
    found: Shelf = st.session_state.setdefault(SHELF, Shelf(visitor()))
    return found


def stacked(embeddings: Sequence[Embeddings]) -> Embeddings:
    """Embeddings of one encoder, (1, d) each, as one matrix (n, d)."""
    return Embeddings(np.concatenate([own.values for own in embeddings]), embeddings[0].encoder)


def _to_embed(encoder: EncoderInfo, decoded: Callable[[], Sound], facts: Facts) -> tuple[object, ...]:
    found = decoded()
    facts.content, facts.seconds, facts.notes = found.content, found.seconds, found.notes
    return encoder, [found.samples], found.rate
