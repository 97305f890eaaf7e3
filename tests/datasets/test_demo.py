from __future__ import annotations

from bstviz.datasets import demo
from bstviz.datasets.collection import SYNTH_ROOT


def test_the_demo_covers_every_class_and_can_be_played() -> None:
    collection = demo.load()
    assert set(collection.labels) == set(range(23))
    assert collection.sounds["confidence"].between(1, 5).all()
    assert collection.sounds["title"].notna().all()
    assert collection.audio_root == SYNTH_ROOT
    assert collection.has_audio(0)
