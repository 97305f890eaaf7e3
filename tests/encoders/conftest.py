"""What the tests of encoders share: an encoder, where its package is installed."""

from __future__ import annotations

import pytest

from bstviz.encoders.registry import load_audio_encoder, load_text_encoder
from bstviz.errors import UserError


def load_any(kind: str, encoder_id: str) -> object:
    try:
        return load_audio_encoder(encoder_id) if kind == "audio" else load_text_encoder(encoder_id)
    except UserError as error:
        pytest.skip(f"{encoder_id} is not installed: {error}")
