from __future__ import annotations

import numpy as np
import pytest

from bstviz.audio.sound import resample
from bstviz.encoders.registry import load_audio_encoder
from bstviz.errors import UserError
from tests.encoders.conftest import load_any
from tests.fakes import tone


def test_concatenated_encoders_stand_side_by_side_each_at_its_own_rate() -> None:
    for name in ("aisfx", "soundnet"):
        load_any("audio", name)
    concatenated, alone = load_audio_encoder("aisfx+soundnet"), load_audio_encoder("aisfx")
    soundnet = load_audio_encoder("soundnet")
    assert concatenated.info.id == "aisfx+soundnet"
    assert concatenated.rate == 44_100
    sound = tone(700, 1.0, 44_100)
    wanted = [alone.embed([sound]), soundnet.embed([resample(sound, 44_100, soundnet.rate)])]
    np.testing.assert_allclose(concatenated.embed([sound]), np.concatenate(wanted, axis=1), atol=1e-5)


def test_an_encoder_that_is_unknown_is_named() -> None:
    load_any("audio", "aisfx")
    with pytest.raises(UserError, match="no audio encoder 'nothing'"):
        load_audio_encoder("aisfx+nothing")
