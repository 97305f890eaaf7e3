from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.encoders.base import Preprocessing
from bstviz.encoders.registry import ENCODERS, audio_encoder_of, load_audio_encoder, load_text_encoder
from bstviz.errors import UserError
from tests.encoders.conftest import load_any
from tests.fakes import tone


@pytest.mark.parametrize(("kind", "encoder_id"), ENCODERS)
def test_every_encoder_keeps_the_interface(
    kind: str, encoder_id: str, tiny_clap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BSTVIZ_CLAP", str(tiny_clap))
    monkeypatch.setenv("BSTVIZ_OFFLINE", "1")
    encoder = load_any(kind, encoder_id)
    info = encoder.info  # type: ignore[attr-defined]
    given: Sequence = ["a dog barks", ""]
    if kind == "audio":
        rate = encoder.rate  # type: ignore[attr-defined]
        given = [tone(440, 0.4, rate), tone(880, 1.0, rate), np.zeros(rate, np.float32), tone(440, 0.01, rate)]
    out = encoder.embed(given)  # type: ignore[attr-defined]
    assert info.id == encoder_id
    assert info.revision
    assert info.fields == ()
    assert out.shape == (len(given), info.dim)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


def test_an_unknown_encoder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError,
        match=r"no audio encoder 'nothing'; known: aisfx, aisfx-brief, soundnet, soundnet-brief, descriptors, clap",
    ):
        load_audio_encoder("nothing")
    with pytest.raises(UserError, match="no text encoder 'aisfx'; known: minilm, clap"):
        load_text_encoder("aisfx")


def test_threads_load_one_encoder_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[str] = []
    most: list[int] = []

    def slow(device: str) -> object:
        inside.append(device)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return object()

    monkeypatch.setitem(ENCODERS, ("audio", "slow"), slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: load_audio_encoder("slow"), range(4)))
    assert most == [1, 1, 1, 1]


def test_only_the_beginning_of_a_sound_is_embedded_where_that_is_asked_for(encoders: object) -> None:
    whole, cut = load_audio_encoder("fake-audio"), load_audio_encoder("fake-audio", preprocessing=Preprocessing(0.5))
    sound = np.concatenate([tone(500, 0.5), tone(3_000, 0.5)])
    np.testing.assert_array_equal(cut.embed([sound]), whole.embed([tone(500, 0.5)]))
    assert cut.info == replace(whole.info, preprocessing=Preprocessing(0.5))
    assert "first 0.5 s" in str(cut.info)
    assert audio_encoder_of(cut.info).info == cut.info


def test_antialiasing_is_refused_where_nothing_shrinks(encoders: object) -> None:
    with pytest.raises(UserError, match=r"Antialiasing is a choice of clap, and 'fake-audio' has none"):
        load_audio_encoder("fake-audio", preprocessing=Preprocessing(antialias=True))
