from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets import demo
from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.training.bundled import concatenate, held_out_folds, make_collection, usable
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, small_collection


def licensed(*licenses: str | None) -> Collection:
    base = small_collection(per_class=1)
    return replace(base, sounds=base.sounds.assign(license=list(licenses)))


def test_sounds_of_no_or_a_non_commercial_licence_are_left_out() -> None:
    collection = licensed(
        "CC0", "CC BY-NC 3.0 (ESC-50)", None, "no licence stated", "GPL-2+ / CC BY-SA", "CC BY-NC-SA 4.0"
    )
    kept = usable(collection)
    assert kept.sounds["license"].tolist() == ["CC0", "GPL-2+ / CC BY-SA"]
    np.testing.assert_array_equal(kept.embedding("audio"), collection.embedding("audio")[[0, 4]])
    np.testing.assert_array_equal(kept.embedding("text"), collection.embedding("text")[[0, 4]])


def test_concatenated_collections_keep_rows_and_embeddings_together() -> None:
    base, other = small_collection(), small_collection(seed=1, name="other")
    both = concatenate(base, [other])
    assert both.sounds["sound_id"].is_unique
    row = both.sounds["sound_id"].tolist().index("other/s007")
    np.testing.assert_array_equal(both.embedding("audio")[row], other.embedding("audio")[7])
    silent = [replace(c, text=None, text_encoder=None) for c in (base, other)]
    assert concatenate(silent[0], silent[1:]).text is None
    with pytest.raises(UserError, match="Embed it with the same"):
        concatenate(base, silent[1:])


def test_the_demo_is_embedded_anew_by_another_encoder_and_else_read_back(
    tmp_path: Path, encoders: tuple[FakeAudioEncoder, FakeTextEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = demo.load()
    few = replace(few, sounds=few.sounds.iloc[:3].reset_index(drop=True))
    few.save(tmp_path / "demo")
    monkeypatch.setattr("bstviz.training.bundled.AUDIO_ENCODER", "fake-audio")
    monkeypatch.setattr("bstviz.training.bundled.TEXT_ENCODER", "fake-text")
    made = make_collection(tmp_path / "demo")
    assert (made.audio_encoder, encoders[0].embedded, encoders[1].embedded) == (encoders[0].info, 3, 3)
    assert make_collection(tmp_path / "demo").hash == made.hash
    replace(made, audio_encoder=replace(encoders[0].info, id="another")).save(tmp_path / "demo")
    assert make_collection(tmp_path / "demo").audio_encoder == encoders[0].info
    assert (encoders[0].embedded, encoders[1].embedded) == (6, 3)


def test_recordings_are_held_out_by_where_they_come_from_and_the_demo_never() -> None:
    base, other = small_collection(name="demo"), small_collection(seed=1, name="other")
    named = replace(other, sounds=other.sounds.assign(collection=[f"c{i % 7}" for i in range(len(other))]))
    everything = concatenate(base, [named, small_collection(seed=2, name="plain")])
    recorded = np.arange(len(everything)) >= len(base)
    folds = held_out_folds(everything, recorded)
    assert (folds.assignment[~recorded] == -1).all()
    assert (folds.assignment[recorded] >= 0).all()
    by_place = everything.sounds[recorded].assign(fold=folds.assignment[recorded]).groupby("collection")["fold"]
    assert (by_place.nunique() == 1).all()
    assert set(by_place.groups) == {f"c{i}" for i in range(7)} | {"plain"}
    assert held_out_folds(base, np.zeros(len(base), bool)) is None
